//! From method and path to the operation and the labels of its path.

use std::collections::BTreeMap;

use super::model::{Model, Operation};

/// Labels of a path, decoded, by name.
pub(super) type Labels = BTreeMap<String, String>;

/// The operation of a request, if there is one. Literal segments win over labels (`PUT /thing-groups/addThingToThingGroup`),
/// and a label of one segment over one that takes the rest.
pub(super) fn find<'a>(model: &'a Model, method: &str, path: &str) -> Option<(&'a Operation, Labels)> {
    let candidates = model.operations.iter().filter(|operation| operation.method == method);
    let matching = candidates.filter_map(|operation| Some((operation, fit(&operation.uri, path)?)));
    let (operation, fit) = matching.min_by_key(|(_, fit)| (fit.takes_rest, fit.labels.len()))?;
    Some((operation, fit.labels))
}

/// How a path fits.
#[derive(Default)]
struct Fit {
    labels: Labels,
    /// The last label holds slashes: an ARN as it is, though SDKs encode it.
    takes_rest: bool,
}

fn fit(uri: &str, path: &str) -> Option<Fit> {
    let mut fit = Fit::default();
    let mut segments = path.strip_prefix('/')?.split('/');
    let mut wanted = uri.strip_prefix('/')?.split('?').next()?.split('/').peekable();
    while let Some(want) = wanted.next() {
        let found = segments.next()?;
        match want.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            None if want == found => {}
            None => return None,
            Some(label) => {
                let rest: Vec<&str> = if wanted.peek().is_none() { segments.by_ref().collect() } else { Vec::new() };
                fit.takes_rest = !rest.is_empty();
                let whole = std::iter::once(found).chain(rest).collect::<Vec<_>>().join("/");
                fit.labels.insert(label.to_owned(), decoded(&whole)?);
            }
        }
    }
    let complete = segments.next().is_none() && fit.labels.values().all(|label| !label.is_empty());
    complete.then_some(fit)
}

/// Percent-decoding (RFC 3986, section 2.1).
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.extend(hex::decode(digits).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> (String, Vec<String>) {
        let model = Model::load().unwrap();
        find(&model, method, path).map_or((String::new(), vec![]), |(operation, labels)| {
            (operation.name.clone(), labels.into_values().collect())
        })
    }

    #[test]
    fn literal_segments_win_over_labels() {
        assert_eq!(found("PUT", "/thing-groups/addThingToThingGroup").0, "AddThingToThingGroup");
        assert_eq!(found("GET", "/things/pump-7").0, "DescribeThing");
        assert_eq!(found("GET", "/things").0, "ListThings");
        assert_eq!(found("GET", "/things/pump-7/principals").0, "ListThingPrincipals");
    }

    #[test]
    fn an_arn_is_taken_encoded_and_plain() {
        let arn = "arn:aws:iot:us-east-1:123456789012:cert/abc";
        for path in ["arn%3Aaws%3Aiot%3Aus-east-1%3A123456789012%3Acert%2Fabc", arn] {
            let wanted = ("ListAttachedPolicies".to_owned(), vec![arn.to_owned()]);
            assert_eq!(found("POST", &format!("/attached-policies/{path}")), wanted);
        }
    }

    #[test]
    fn nonsense_finds_nothing() {
        for path in ["/", "/things/", "/things/%zz", "/things/%+4", "/nothing", "things"] {
            assert_eq!(found("GET", path).0, "", "{path}");
        }
    }
}
