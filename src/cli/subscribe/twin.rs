//! A subscription that brought nothing: does somebody publish in other letters?

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::mqtt::{Client, Inbox, Qos};
use crate::topic::TopicFilter;

/// How long a wider subscription is listened to.
const LISTEN: Duration = Duration::from_secs(5);

/// Listens to what the filter would take in if letter case did not count: first below the level that it begins with, which a
/// policy is likelier to allow. The topic that was heard; a denial ends the connection, and with it the search.
pub(super) async fn search(client: &Client, inbox: &mut Inbox, filter: &TopicFilter, wait: Duration) -> Option<String> {
    for keep in [1, 0] {
        let wider = filter.in_any_letters_from(keep);
        if wider == *filter || filter.as_str().starts_with('$') {
            continue;
        }
        client.subscribe(&wider, Qos::AtMostOnce).await.ok()?;
        let end = Instant::now() + wait.min(LISTEN);
        while let Ok(message) = timeout_at(end, inbox.next()).await {
            let topic = message.ok()?.topic;
            if filter.differs_only_in_case_from(&topic) {
                return Some(topic);
            }
        }
    }
    None
}
