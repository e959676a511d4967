//! A TCP proxy that can be told to hold everything back, or to break what stands.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part of it")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The proxy.
pub struct Gate {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    /// Nothing passes, and nobody is told.
    stalled: bool,
    standing: Vec<TcpStream>,
}

impl Gate {
    pub fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new(State { stalled: false, standing: Vec::new() }), Condvar::new()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let broker = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
                shared.0.lock().unwrap().standing.extend([client.try_clone().unwrap(), broker.try_clone().unwrap()]);
                for (from, to) in [(client.try_clone().unwrap(), broker.try_clone().unwrap()), (broker, client)] {
                    let shared = shared.clone();
                    std::thread::spawn(move || pass(from, to, &shared));
                }
            }
        });
        Self { port, state }
    }

    /// From now on nothing passes, in either direction, on connections that stand; they stay open.
    pub fn stall(&self) {
        self.state.0.lock().unwrap().stalled = true;
    }

    /// What was held back goes on its way.
    pub fn open(&self) {
        self.state.0.lock().unwrap().stalled = false;
        self.state.1.notify_all();
    }

    /// Breaks every connection that stands.
    pub fn cut(&self) {
        for stream in self.state.0.lock().unwrap().standing.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &(Mutex<State>, Condvar)) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        drop(state.1.wait_while(state.0.lock().unwrap(), |state| state.stalled).unwrap());
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
