//! The house rules of the source tree, checked by reading it: floors, doors, circles, sizes, who may do what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up. A room imports from rooms that stand before it; the three wings not from each other.
const FLOORS: &[&str] = &[
    "error", // 1
    "names", "topic", "pki", "ui", // 2
    "policy", "bundle", "fleet", "template", "config", "mqtt", // 3, from left to right
    "control", "device", "local", // 4
    "cli",   // 5
    "main",  // 6
];
const WINGS: &[&str] = &["control", "device", "local"];
const MOST_LINES: usize = 400;

struct Source {
    /// `local/broker/wire`, without extension.
    name: String,
    /// The product's lines: comments, strings' insides and in-file tests apart.
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    paths.iter().map(|path| read(&root, path)).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, found),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let product: Vec<&str> = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
    let spoken = product.iter().filter(|line| !line.trim_start().starts_with("//"));
    let code = spoken.map(|line| format!("{}\n", without_visibility(line))).collect();
    let name = path.strip_prefix(root).unwrap().with_extension("").display().to_string();
    Source { name, code, lines: product.len() }
}

/// `pub(in crate::cli)` says who may look, and imports nothing.
fn without_visibility(line: &str) -> String {
    match line.split_once("pub(in ") {
        Some((before, rest)) => format!("{before}pub{}", rest.split_once(')').map_or("", |(_, rest)| rest)),
        None => line.to_owned(),
    }
}

fn room(name: &str) -> &str {
    name.split('/').next().unwrap()
}

/// Every path that starts with `head` in `code`, with `{a, b}` groups taken apart one level deep.
fn paths_after<'a>(code: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(head) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + head.len()..];
        let (path, tail) =
            rest.split_at(rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len()));
        let stem: Vec<&str> = path.split("::").filter(|s| !s.is_empty()).collect();
        match tail.strip_prefix('{').filter(|_| path.is_empty() || path.ends_with("::")) {
            None => found.push(stem),
            Some(group) => {
                let mut depth = 0;
                let end = group.find(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth < 0
                });
                for part in group[..end.unwrap_or(group.len())].split([',', '{', '}']) {
                    let mut whole = stem.clone();
                    whole.extend(
                        part.trim()
                            .split("::")
                            .map(|s| s.split_whitespace().next().unwrap_or(""))
                            .filter(|s| !s.is_empty()),
                    );
                    found.push(whole);
                }
            }
        }
    }
    found
}

#[test]
fn no_arrow_runs_up_and_no_door_joins_two_wings() {
    let floor =
        |room: &str| FLOORS.iter().position(|r| *r == room).unwrap_or_else(|| panic!("room `{room}` is on no floor"));
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.name != "lib") {
        let here = room(&source.name);
        for path in paths_after(&source.code, "crate::").iter().chain(&paths_after(&source.code, "iotctl::")) {
            let there = path[0];
            let wings = WINGS.contains(&here) && WINGS.contains(&there) && here != there;
            if wings || floor(there) > floor(here) {
                wrong.push(format!("{} -> {}", source.name, path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that must not be: {wrong:#?}");
}

#[test]
fn no_two_files_import_each_other_in_a_loop() {
    let sources = sources();
    let names: BTreeSet<&str> = sources.iter().map(|s| s.name.as_str()).collect();
    let edges: BTreeMap<&str, BTreeSet<String>> =
        sources.iter().filter(|s| s.name != "lib").map(|s| (s.name.as_str(), imports(s, &names))).collect();
    let mut done = BTreeSet::new();
    for start in edges.keys() {
        let mut trail = Vec::new();
        walk(start, &edges, &mut trail, &mut done);
    }
}

fn walk<'a>(
    at: &'a str,
    edges: &'a BTreeMap<&str, BTreeSet<String>>,
    trail: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) {
    if let Some(from) = trail.iter().position(|seen| *seen == at) {
        panic!("a circle: {} -> {at}", trail[from..].join(" -> "));
    }
    if done.contains(at) {
        return;
    }
    trail.push(at);
    edges.get(at).into_iter().flatten().for_each(|next| walk(next, edges, trail, done));
    trail.pop();
    done.insert(at);
}

fn imports(source: &Source, names: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add =
        |base: &str, path: &[&str]| found.extend(file_of(base, path, names).filter(|name| name != &source.name));
    for path in paths_after(&source.code, "crate::") {
        add("", &path);
    }
    let parent = source.name.rsplit_once('/').map_or("", |(parent, _)| parent);
    for path in paths_after(&source.code, "super::") {
        let above = path.iter().take_while(|s| **s == "super").count();
        let base = (0..above).fold(parent, |base, _| base.rsplit_once('/').map_or("", |(up, _)| up));
        add(base, &path[above..]);
    }
    let children =
        names.iter().filter_map(|n| n.strip_prefix(&format!("{}/", source.name))).filter(|n| !n.contains('/'));
    for child in children {
        for path in paths_after(&source.code, &format!("{child}::")) {
            let mut whole = vec![child];
            whole.extend(path);
            add(&source.name, &whole);
        }
    }
    found
}

/// The deepest file that a path can mean.
fn file_of(base: &str, path: &[&str], names: &BTreeSet<&str>) -> Option<String> {
    let mut at = base.to_owned();
    for segment in path {
        let next = if at.is_empty() { (*segment).to_owned() } else { format!("{at}/{segment}") };
        if !names.contains(next.as_str()) {
            break;
        }
        at = next;
    }
    names.contains(at.as_str()).then_some(at)
}

/// What only some rooms may do: a word, who may say it, and why nobody else.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("println!", &[], "only `ui` prints, through its own writer"),
    ("eprintln!", &[], "only `ui` prints, through its own writer"),
    ("io::stdout", &["ui"], "only `ui` prints"),
    ("anstream::", &["ui"], "only `ui` prints"),
    ("aws_sdk", &["control"], "the AWS SDK stays in its wing"),
    ("aws_config", &["control"], "the AWS SDK stays in its wing"),
    ("rumqttc", &["mqtt"], "the MQTT client crate may be replaced: one module knows it"),
    ("rmqtt_codec", &["local/broker/wire"], "the codec may be replaced: one module knows it"),
    ("env::var", &["config"], "only `config` reads the environment"),
];

/// Rooms that see no world: what they need is an argument.
const PURE: &[&str] = &["policy", "names", "topic", "fleet", "device/session", "device/remote", "local/shadow"];
const WORLD: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net::Tcp",
    "std::env",
    "Instant::now",
    "SystemTime",
    "OffsetDateTime::now",
    "getrandom",
];

fn lives_in(name: &str, place: &str) -> bool {
    name == place || name.starts_with(&format!("{place}/"))
}

#[test]
fn every_room_keeps_to_its_own_business() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (word, rooms, why) in RESERVED {
            if source.code.contains(word) && !rooms.iter().any(|room| lives_in(&source.name, room)) {
                wrong.push(format!("{} says `{word}`: {why}", source.name));
            }
        }
        for word in WORLD {
            if source.code.contains(word) && PURE.iter().any(|room| lives_in(&source.name, room)) {
                wrong.push(format!("{} says `{word}`: it must be an argument", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_have_a_good_name_and_a_good_size() {
    for source in sources() {
        let last = source.name.rsplit('/').next().unwrap();
        assert!(
            !["mod", "util", "utils", "helpers", "common", "imp", "misc"].contains(&last),
            "`{}`: name it by its noun",
            source.name
        );
        assert!(source.lines <= MOST_LINES, "`{}` has {} lines: redraw it", source.name, source.lines);
    }
}

#[test]
fn the_checker_sees_an_arrow_when_there_is_one() {
    let code = "use crate::{ui::Ui, names};\nuse super::{a::B, super::c};\nlet x = crate::error::Kind::Failed;";
    assert_eq!(paths_after(code, "crate::"), [vec!["ui", "Ui"], vec!["names"], vec!["error", "Kind", "Failed"]]);
    assert_eq!(paths_after(code, "super::")[1], ["super", "c"]);
}
