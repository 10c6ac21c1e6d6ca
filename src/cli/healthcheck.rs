//! `healthcheck`: asks a running service whether it is ready, for containers that have no curl.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::setting_flags::SettingArgs;
use super::{Output, Verdict, print};

pub(super) const EXAMPLES: &str = "\
Examples:
  escalator healthcheck
  escalator healthcheck --http 127.0.0.1:9464 --output json";

/// The service answers from memory; what takes longer than this is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// Far more than any report is long.
const ANSWER_LIMIT: u64 = 64 * 1024;

#[derive(Args)]
pub(super) struct Healthcheck {
    /// Form of what is printed.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    settings: SettingArgs,
}

/// What is printed as JSON when the service itself did not answer.
#[derive(Serialize)]
struct Unanswered {
    ok: bool,
    reason: String,
}

impl Healthcheck {
    pub(super) fn run(self) -> anyhow::Result<Verdict> {
        let address = reachable(self.settings.load()?.settings.http.listen);
        let accept = match self.output {
            Output::Text => "text/plain",
            Output::Json => "application/json",
        };
        // A service that does not answer is the thing checked, and it is bad.
        let (status, body) = match ask(address, accept) {
            Ok(answer) => answer,
            Err(error) => {
                let reason = format!("no answer from {address}: {error:#}");
                match self.output {
                    Output::Text => print::text(&format!("{reason}\n"))?,
                    Output::Json => print::json(&Unanswered { ok: false, reason })?,
                }
                return Ok(Verdict::Bad);
            }
        };
        print::text(&format!("{}\n", body.trim_end()))?;
        Ok(if status == 200 {
            Verdict::Good
        } else {
            Verdict::Bad
        })
    }
}

/// Where to ask a service that listens there: one that listens everywhere also does so on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, listen.port())
}

/// Status and body of `/readyz`.
fn ask(address: SocketAddr, accept: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).context("cannot connect")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .context("cannot send the request")?;
    let mut answer = String::new();
    stream
        .take(ANSWER_LIMIT)
        .read_to_string(&mut answer)
        .context("cannot read the answer")?;
    parse(&answer).context("the answer is not HTTP; is http.listen another program's address?")
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_listens_everywhere_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            let asked: SocketAddr = asked.parse().unwrap();
            assert_eq!(reachable(listen.parse().unwrap()), asked);
        }
    }

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(
            parse("HTTP/1.1 503 Service Unavailable\r\na: b\r\n\r\n[-] x\n"),
            Some((503, "[-] x\n".to_owned()))
        );
        assert_eq!(parse("SSH-2.0-OpenSSH\r\n\r\n"), None);
    }
}
