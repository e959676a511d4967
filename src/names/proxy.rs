//! An HTTP proxy, which passes TCP on (RFC 9110, section 9.3.6).

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The port of a proxy that names none, as of any HTTP address.
const PORT: u16 = 80;

/// Where the proxy is, and who we are to it. The password shows in nothing that is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    user: Option<Zeroizing<String>>,
}

impl Proxy {
    /// `HOST:PORT`, as it is connected to.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// `USER:PASSWORD`, as HTTP's Basic scheme wants it (RFC 7617, section 2).
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.as_str())
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// Takes `http://[USER:PASSWORD@]HOST[:PORT]`, or the same without a scheme.
    fn from_str(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(Error::usage(format!("a proxy of the kind `{}` is not spoken", scheme.escape_debug()))
                .hint("an HTTP proxy, which knows CONNECT: http://HOST:PORT"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
        let (host, port) = match place.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong_form())?),
            None => (place, PORT),
        };
        let is_address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
        let is_name = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        if port == 0 || !(is_name || is_address) {
            return Err(wrong_form());
        }
        let user = user.map(decoded).transpose()?.map(|user| match user.contains(':') {
            true => user,
            false => Zeroizing::new(format!("{}:", *user)),
        });
        Ok(Self { host: host.to_owned(), port, user })
    }
}

/// The text is not repeated: a password may be in it.
fn wrong_form() -> Error {
    Error::usage("that is no address of a proxy")
        .hint("write it like http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT")
}

/// Without the percent signs that an address needs for `@`, `:` and others (RFC 3986, section 2.1).
fn decoded(text: &str) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        bytes.push(match byte {
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => u8::try_from(high * 16 + low).map_err(|_| wrong_form())?,
                _ => return Err(wrong_form()),
            },
            byte => byte,
        });
    }
    let is_line = !bytes.iter().any(u8::is_ascii_control);
    let text = std::str::from_utf8(&bytes).ok().filter(|_| is_line).ok_or_else(wrong_form)?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let proxy: Proxy = text.parse().unwrap();
        (proxy.address(), proxy.user().map(str::to_owned))
    }

    #[test]
    fn the_usual_forms_are_understood() {
        let user = |text: &str| Some(text.to_owned());
        for (text, address, wanted) in [
            ("http://proxy.example:3128", "proxy.example:3128", None),
            ("HTTP://proxy.example/", "proxy.example:80", None),
            ("10.0.0.1:3128", "10.0.0.1:3128", None),
            ("http://[::1]:3128", "[::1]:3128", None),
            ("http://[::1]", "[::1]:80", None),
            ("http://pump:s%40%3Acret@proxy:1", "proxy:1", user("pump:s@:cret")),
            ("http://pump@proxy:1", "proxy:1", user("pump:")),
        ] {
            assert_eq!(parts(text), (address.to_owned(), wanted), "{text}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated_and_a_password_is_not_shown() {
        for text in
            ["http://u:canary@", "http://u:canary@h:port", "h:0", "", "http://a b:1", "u:%zz@h:1", "u:%0d%0a@h:1"]
        {
            let error = text.parse::<Proxy>().unwrap_err();
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        let proxy: Proxy = "http://u:canary@h:1".parse().unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "h:1 Proxy(h:1)");
    }

    #[test]
    fn another_kind_of_proxy_is_named() {
        let error = "socks5://h:1080".parse::<Proxy>().unwrap_err();
        assert_eq!(error.message(), "a proxy of the kind `socks5` is not spoken");
    }
}
