//! Time of one policy decision under 1, 10 and 100 statements: `cargo bench --bench policy`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use iotctl::policy::document::Document;
use iotctl::policy::engine::{Attached, decide};
use iotctl::policy::request::{Connection, Request, ThingFacts};
use serde_json::json;

const ARN: &str = "arn:aws:iot:us-east-1:123456789012:topic/";

/// Statements as fleets have them: a prefix, the thing's name, a wildcard; every tenth with a condition.
fn document(statements: usize) -> Document {
    let each = (0..statements).map(|n| {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": ["iot:Publish", "iot:Receive"],
            "Resource": format!("{ARN}plant{n}/${{iot:Connection.Thing.ThingName}}/*"),
        });
        if n % 10 == 9 {
            statement["Condition"] = json!({"Bool": {"iot:Connection.Thing.IsAttached": "true"}});
        }
        statement
    });
    let document = json!({"Version": "2012-10-17", "Statement": each.collect::<Vec<_>>()});
    Document::parse("bench", &document.to_string()).unwrap()
}

fn device() -> Connection {
    Connection {
        client_id: "pump-7".parse().ok(),
        thing: Some(ThingFacts { name: "pump-7".into(), ..ThingFacts::default() }),
        is_attached: Some(true),
        ..Connection::default()
    }
}

fn decisions(criterion: &mut Criterion) {
    let connection = device();
    for (name, topic) in [("allowed", "plant0/pump-7/temperature"), ("denied and explained", "hall/pump-7/temperature")]
    {
        let request = Request { action: "iot:Publish".into(), resource: format!("{ARN}{topic}") };
        let mut group = criterion.benchmark_group(name);
        for statements in [1, 10, 100] {
            let document = document(statements);
            let policies = [Attached { name: "bench", document: &document, deny_only: false }];
            group.bench_function(BenchmarkId::from_parameter(statements), |bencher| {
                bencher.iter(|| decide(black_box(&policies), black_box(&connection), black_box(&request)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, decisions);
criterion_main!(benches);
