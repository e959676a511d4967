//! `x` or `[x, x]`, read without losing the place of an error.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// Visits `x` or `[x, x]`, where `x` reads itself from what it is given.
pub(super) struct OneOrMany<T> {
    expected: &'static str,
    of: PhantomData<T>,
}

impl<T> OneOrMany<T> {
    pub(super) fn new(expected: &'static str) -> Self {
        Self { expected, of: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        T::deserialize(text).map(|one| vec![one])
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|one| vec![one])
    }
}
