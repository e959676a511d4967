//! The smallest statement that allows exactly one request.

use serde_json::{Value, json};

use super::request::Request;

/// An Allow of this action on this resource and nothing else; `None` if no statement can name the action alone.
pub(super) fn statement(request: &Request) -> Option<Value> {
    let Request { action, resource } = request;
    let nameable = !action.is_empty() && !action.contains(['*', '?', '$']);
    nameable.then(|| json!({"Effect": "Allow", "Action": action, "Resource": exact(resource)}))
}

/// The pattern that `text` alone matches. Some actions have no resource but `*`, which stays as it is.
fn exact(text: &str) -> String {
    if text == "*" {
        return text.to_owned();
    }
    // A `$` is special before a brace only; `$aws/...` reads better as it is.
    text.replace("${", "${$}{").replace('*', "${*}").replace('?', "${?}")
}

#[cfg(test)]
mod tests {
    use super::super::fit::Fit;
    use super::super::pattern::Pattern;
    use super::super::request::Connection;
    use super::*;

    #[test]
    fn special_characters_are_escaped_so_that_nothing_else_matches() {
        for text in ["a/*", "a?", "${iot:ClientId}", "$aws/x", "$", "$$${*}", "${$}{", "a/+/#"] {
            let pattern = Pattern::wildcard(&exact(text)).unwrap();
            assert_eq!(pattern.fit(&Connection::default(), text), Fit::Yes, "{text}");
            assert_eq!(pattern.fit(&Connection::default(), &format!("{text}x")), Fit::No, "{text}");
        }
        assert_eq!(exact("$aws/things/a*"), "$aws/things/a${*}");
    }

    #[test]
    fn an_action_with_wildcards_cannot_be_named_alone() {
        let request = Request { action: "iot:*".into(), resource: "a".into() };
        assert_eq!(statement(&request), None);
    }
}
