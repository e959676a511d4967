//! What AWS itself decides: `TestAuthorization` for a certificate as it is, with the policies that are attached to it.
//!
//! It knows four actions and no connection: variables of the connection come back as missing (policies.md, section 10).

use aws_sdk_iot::types::{ActionType, AuthDecision, AuthInfo};

use crate::control::client::Client;
use crate::error::{Error, Result};
use crate::names::{Arn, ClientId};
use crate::policy::decision::Outcome;
use crate::policy::request::Request;

/// Requests of one call (API reference, `TestAuthorization`).
const MOST_AT_ONCE: usize = 10;

/// What AWS answered to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its decision.
    pub outcome: Outcome,
    /// Variables that it could not fill in.
    pub missing: Vec<String>,
}

/// Asks for each request; `None` for an action that AWS cannot be asked about.
pub async fn ask(
    client: &Client,
    principal: &Arn,
    client_id: &ClientId,
    requests: &[Request],
) -> Result<Vec<Option<Answer>>> {
    let mut answers = vec![None; requests.len()];
    let askable: Vec<(usize, AuthInfo)> =
        requests.iter().enumerate().filter_map(|(at, request)| Some((at, info(request)?))).collect();
    for chunk in askable.chunks(MOST_AT_ONCE) {
        let call = client.iot.test_authorization().principal(principal.to_string()).client_id(client_id.as_str());
        let infos = chunk.iter().map(|(_, info)| info.clone()).collect();
        let answer = call.set_auth_infos(Some(infos)).send().await;
        let answer = client.answer("iot:TestAuthorization", "ask what AWS decides", answer)?;
        for ((at, _), result) in chunk.iter().zip(answer.auth_results()) {
            let outcome = outcome(result.auth_decision())?;
            answers[*at] = Some(Answer { outcome, missing: result.missing_context_values().to_vec() });
        }
    }
    Ok(answers)
}

fn info(request: &Request) -> Option<AuthInfo> {
    let action = match request.action.as_str() {
        "iot:Connect" => ActionType::Connect,
        "iot:Publish" => ActionType::Publish,
        "iot:Subscribe" => ActionType::Subscribe,
        "iot:Receive" => ActionType::Receive,
        _ => return None,
    };
    AuthInfo::builder().action_type(action).resources(&request.resource).build().ok()
}

fn outcome(decision: Option<&AuthDecision>) -> Result<Outcome> {
    match decision {
        Some(AuthDecision::Allowed) => Ok(Outcome::Allowed),
        Some(AuthDecision::ExplicitDeny) => Ok(Outcome::ExplicitDeny),
        Some(AuthDecision::ImplicitDeny) => Ok(Outcome::ImplicitDeny),
        other => Err(Error::failed(format!("AWS answered `{other:?}`, which is no decision that is known"))),
    }
}
