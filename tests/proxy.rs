//! `iotctl run`, `sub` and `pub` on port 443 and through an HTTP proxy: real TCP, real TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/listener.rs"]
mod listener;
#[path = "world/tunnel.rs"]
mod tunnel;
#[path = "world/world.rs"]
mod world;

use std::net::TcpListener;

use listener::{FAR, Heard, Listener};
use tunnel::Tunnel;
use world::{Said, run};

fn hello(alpn: &[&str], name: &str) -> Heard {
    Heard::Hello { alpn: alpn.iter().map(|p| (*p).to_owned()).collect(), name: Some(name.to_owned()) }
}

const PUB: &[&str] = &["a/b", "hello"];
const SUB: &[&str] = &["a/b", "-W", "100ms"];
const RUN: &[&str] = &["-t", "a/b", "--sensor", "sim", "--interval", "1ms", "--count", "1"];

#[test]
fn on_port_443_the_protocol_is_named_by_alpn_and_elsewhere_it_is_not() {
    let listener = Listener::start();
    let tunnel = Tunnel::to(listener.port, None);
    for (port, alpn) in [("443", &["x-amzn-mqtt-ca"][..]), ("8883", &[])] {
        for (verb, more) in [("run", RUN), ("pub", PUB), ("sub", SUB)] {
            let endpoint = format!("localhost:{port}");
            let said = run(&mut listener.iotctl_at(&endpoint, verb, &[more, &["--proxy", &tunnel.url("")]].concat()));
            assert_eq!(said.code, Some(0), "{verb}: {}", said.stderr);
            let heard: Vec<_> = listener.heard.try_iter().collect();
            assert_eq!(heard[0], hello(alpn, "localhost"), "{verb}");
            let asked = tunnel.asked.recv().unwrap();
            assert_eq!(asked, format!("CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n\r\n"), "{verb}");
        }
    }
}

#[test]
fn a_server_without_that_protocol_is_called_that() {
    let listener = Listener::speaking("x-amzn-http-ca");
    let tunnel = Tunnel::to(listener.port, None);
    let said = run(&mut listener.iotctl_at("localhost:443", "pub", &[PUB, &["--proxy", &tunnel.url("")]].concat()));
    assert_eq!(said.code, Some(6), "{}", said.stderr);
    assert!(said.stderr.contains("`localhost:443` speaks no MQTT with certificates on this port"), "{}", said.stderr);
}

#[cfg(all(feature = "control", feature = "local"))]
#[test]
fn a_bundle_goes_through_a_proxy_to_port_443_and_its_readings_arrive() {
    let world = world::World::start();
    world.provision(&["--thing", "pump-7"]);
    let tunnel = Tunnel::to(world.mqtt_port, None);
    let url = tunnel.url("");
    let way = ["--bundle", "certs/pump-7", "--port", "443", "--proxy", &url];
    let said = run(&mut world.iotctl(&[&["run"], &way[..], &RUN[2..]].concat()));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.starts_with("Published topic sensors/pump-7/temperature"), "{}", said.stdout);
    assert!(tunnel.asked.recv().unwrap().starts_with("CONNECT localhost:443 "));
}

/// `pub` to a host that only the proxy knows, with these variables.
fn far(listener: &Listener, variables: &[(&str, &str)], more: &[&str]) -> Said {
    let endpoint = format!("{FAR}:8883");
    run(listener.iotctl_at(&endpoint, "pub", &[PUB, more].concat()).envs(variables.iter().copied()))
}

#[test]
fn the_environment_names_the_proxy_and_what_goes_around_it() {
    let listener = Listener::start();
    let tunnel = Tunnel::to(listener.port, None);
    let url = tunnel.url("");
    let ways = |said: &Said| (said.code, tunnel.asked.try_iter().count());
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        assert_eq!(ways(&far(&listener, &[(name, &url)], &[])), (Some(0), 1), "{name}");
    }
    let around = far(&listener, &[("HTTPS_PROXY", &url), ("NO_PROXY", "intra.example,.invalid")], &[]);
    assert_eq!(ways(&around), (Some(6), 0), "nobody resolves that name: {}", around.stderr);
    assert_eq!(ways(&far(&listener, &[("HTTPS_PROXY", &url)], &["--proxy", "none"])), (Some(6), 0));
    let flag = far(&listener, &[("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "*")], &["--proxy", &url]);
    assert_eq!(ways(&flag), (Some(0), 1), "a flag wins: {}", flag.stderr);
    let here = run(listener.iotctl("pub", listener.port, PUB).env("HTTPS_PROXY", &url));
    assert_eq!(ways(&here), (Some(0), 0), "this machine needs no proxy");
    let socks = far(&listener, &[("ALL_PROXY", "socks5://127.0.0.1:1")], &[]);
    assert_eq!(ways(&socks), (Some(78), 0), "{}", socks.stderr);
    assert!(
        socks.stderr.contains("ALL_PROXY names no proxy for this: a proxy of the kind `socks5`"),
        "{}",
        socks.stderr
    );
}

#[test]
fn the_settings_of_a_feeder_name_its_proxy() {
    let listener = Listener::start();
    let tunnel = Tunnel::to(listener.port, None);
    std::fs::write(listener.folder.path().join("feeder.toml"), format!("proxy = \"{}\"\n", tunnel.url(""))).unwrap();
    let endpoint = format!("{FAR}:8883");
    let said = run(&mut listener.iotctl_at(&endpoint, "run", &[RUN, &["--config", "feeder.toml"]].concat()));
    assert_eq!((said.code, tunnel.asked.try_iter().count()), (Some(0), 1), "{}", said.stderr);
    let through = format!("connected to {endpoint} as `pump-7` through 127.0.0.1:{}", tunnel.port);
    assert!(said.stderr.contains(&through), "{}", said.stderr);
}

#[test]
fn a_proxy_that_wants_a_user_gets_one_and_nobody_sees_the_password() {
    let listener = Listener::start();
    let tunnel = Tunnel::to(listener.port, Some("Proxy-Authorization: Basic cHVtcDpjQG5hcnk="));
    let refused = far(&listener, &[], &["--proxy", &tunnel.url("pump:wr%40ng@"), "-vv"]);
    assert_eq!(refused.code, Some(6));
    let wanted = format!("no way to `{FAR}:8883` through the proxy `127.0.0.1:{}`", tunnel.port);
    assert!(refused.stderr.contains(&wanted), "{}", refused.stderr);
    assert!(refused.stderr.contains("the proxy answered 407 Proxy Authentication Required"), "{}", refused.stderr);
    let welcome = far(&listener, &[], &["--proxy", &tunnel.url("pump:c%40nary@"), "-vv"]);
    assert_eq!(welcome.code, Some(0), "{}", welcome.stderr);
    for secret in ["wr@ng", "wr%40ng", "c@nary", "c%40nary", "cHVtcDp"] {
        assert!(!refused.stderr.contains(secret) && !welcome.stderr.contains(secret), "{secret}");
    }
    let typo = far(&listener, &[], &["--proxy", "http://pump:c@nary@proxy:port"]);
    assert_eq!(typo.code, Some(64));
    assert!(typo.stderr.contains("that is no address of a proxy") && !typo.stderr.contains("nary"), "{}", typo.stderr);
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let listener = Listener::start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = far(&listener, &[], &["--proxy", &format!("http://{nobody}")]);
    assert_eq!(said.code, Some(6));
    assert!(said.stderr.contains(&format!("through the proxy `{nobody}`")), "{}", said.stderr);
    assert!(said.stderr.contains("hint: is the proxy's address right?"), "{}", said.stderr);
}
