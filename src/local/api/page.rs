//! Lists in pages. A token is the key of the last item, so that changes between two pages neither repeat nor skip.

use serde_json::{Value, json};

use super::input::Input;
use crate::local::registry::fault::Fault;

/// The most items of a page (AWS service model: `RegistryMaxResults`, `PageSize`).
const MOST: u64 = 250;
/// Items of a page when the request does not say.
const DEFAULT: u64 = 25;

/// The two styles of AWS IoT: names of the size, of the token asked with, and of the token answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    size: &'static str,
    asked: &'static str,
    answered: &'static str,
}

/// Things, types and groups.
pub(super) const NEXT_TOKEN: Style = Style { size: "maxResults", asked: "nextToken", answered: "nextToken" };
/// Named shadows.
pub(super) const SHADOWS: Style = Style { size: "pageSize", asked: "nextToken", answered: "nextToken" };
/// Certificates, policies and attachments.
pub(super) const MARKER: Style = Style { size: "pageSize", asked: "marker", answered: "nextMarker" };

/// One page of `items`, which stand in the order of their keys, under `name`.
pub(super) fn page(name: &str, items: Vec<(String, Value)>, style: Style, input: &Input) -> Result<Value, Fault> {
    cut(name, items, false, style, input)
}

/// The key of an item for [`page_by_age`], by its place in the order of creation.
pub(super) fn by_age(serial: u64) -> String {
    format!("{serial:020}")
}

/// The same of items with keys of [`by_age`]: the newest first, unless `isAscendingOrder`.
pub(super) fn page_by_age(name: &str, mut items: Vec<(String, Value)>, input: &Input) -> Result<Value, Fault> {
    let newest_first = !input.flag("ascendingOrder");
    items.sort_by(|(one, _), (other, _)| if newest_first { other.cmp(one) } else { one.cmp(other) });
    cut(name, items, newest_first, MARKER, input)
}

fn cut(name: &str, items: Vec<(String, Value)>, falling: bool, style: Style, input: &Input) -> Result<Value, Fault> {
    let size = usize::try_from(input.number(style.size).unwrap_or(DEFAULT).min(MOST)).unwrap_or(1);
    let from = match input.maybe(style.asked) {
        None => 0,
        Some(token) => {
            let last = hex::decode(token).map_err(|_| Fault::invalid(format!("Invalid {}: {token}", style.asked)))?;
            // The last item may be gone by now: its key still says where it stood.
            let was_shown = |key: &str| if falling { key.as_bytes() >= &last[..] } else { key.as_bytes() <= &last[..] };
            items.partition_point(|(key, _)| was_shown(key))
        }
    };
    let shown: Vec<&(String, Value)> = items.iter().skip(from).take(size).collect();
    let more = from + shown.len() < items.len();
    let token = shown.last().filter(|_| more).map(|(key, _)| hex::encode(key));
    Ok(json!({
        name: shown.iter().map(|(_, value)| value).collect::<Vec<_>>(),
        style.answered: token,
    }))
}
