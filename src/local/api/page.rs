//! Lists in pages. A token is the place of the last item, so that changes between two pages neither repeat nor skip.

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
/// Certificates, policies and attachments.
pub(super) const MARKER: Style = Style { size: "pageSize", asked: "marker", answered: "nextMarker" };

/// One page of `items` (each with a key that tells it from the others) under `name`.
pub(super) fn page(name: &str, items: Vec<(String, Value)>, style: Style, input: &Input) -> Result<Value, Fault> {
    let size = usize::try_from(input.number(style.size).unwrap_or(DEFAULT).min(MOST)).unwrap_or(1);
    let from = match input.maybe(style.asked) {
        None => 0,
        Some(token) => {
            let last = hex::decode(token).map_err(|_| Fault::invalid(format!("Invalid {}: {token}", style.asked)))?;
            // The last item may be gone by now; then the page begins where it would stand.
            let place = items.iter().position(|(key, _)| key.as_bytes() == last);
            place.map_or_else(
                || items.iter().take_while(|(key, _)| key.as_bytes() < last.as_slice()).count(),
                |at| at + 1,
            )
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
