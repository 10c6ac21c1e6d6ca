//! A broker that lets nobody in without a login, speaks TLS, and lets each user do only what was
//! granted.
//!
//! Beside the listener for its users it has one without security, for the tests themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Broker, More, directory, free_port, jars};

/// The user with every right that the documentation names.
pub(crate) const USER: &str = "escalator";

/// A user who may do all of that but write in transactions.
pub(crate) const HALF_TRUSTED: &str = "half-trusted";

/// The passwords, which are to be seen nowhere.
pub(crate) const PLAIN_PASSWORD: &str = "plain-Eighty-sevenTulips";
pub(crate) const SCRAM_PASSWORD: &str = "scram-Ninety-sevenTulips";
pub(crate) const WRONG_PASSWORD: &str = "wrong-Seventy-sevenTulips";

/// The password of the broker's own key.
const STORE_PASSWORD: &str = "the-brokers-own";

/// The broker, and what its users need.
pub(crate) struct Secured {
    pub(crate) broker: Broker,
    /// `host:port` for users.
    pub(crate) address: String,
    /// The certificate that the broker's is checked by.
    pub(crate) trusted: PathBuf,
    /// A certificate that has nothing to do with it.
    pub(crate) stranger: PathBuf,
}

impl Secured {
    /// Starts it; nobody has any rights yet.
    pub(crate) fn start() -> Self {
        let directory = directory();
        let trusted = certificate(&directory, "broker");
        let stranger = certificate(&directory, "stranger");
        let port = free_port();
        let settings = settings(&directory.join("broker.p12"));
        let formatted: Vec<String> = [256, 512]
            .into_iter()
            .flat_map(|bits| [USER, HALF_TRUSTED].map(|user| (bits, user)))
            .flat_map(|(bits, user)| {
                let credential =
                    format!("SCRAM-SHA-{bits}=[name={user},password={SCRAM_PASSWORD}]");
                ["--add-scram".to_owned(), credential]
            })
            .collect();
        let more = More {
            listener: format!(",SECURE://127.0.0.1:{port}"),
            settings,
            formatted,
        };
        Self {
            broker: Broker::start_in(directory, &more),
            address: format!("127.0.0.1:{port}"),
            trusted,
            stranger,
        }
    }

    /// Lets users do what the lines say: `USER TYPE NAME OPERATION[,OPERATION]`, where a name that
    /// ends in `*` is the beginning of one.
    pub(crate) fn grant(&self, grants: &[String]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output = Command::new("java")
            .arg("-cp")
            .arg(format!("{}/*", jars().display()))
            .arg(root.join("tests/broker/Grant.java"))
            .arg(&self.broker.address)
            .args(grants)
            .output()
            .expect("`java` can be started");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "granting failed: {told}");
    }
}

fn settings(store: &Path) -> String {
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    format!(
        "listener.name.secure.ssl.keystore.location={}\n\
         listener.name.secure.ssl.keystore.type=PKCS12\n\
         listener.name.secure.ssl.keystore.password={STORE_PASSWORD}\n\
         listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n\
         listener.name.secure.plain.sasl.jaas.config=\
         org.apache.kafka.common.security.plain.PlainLoginModule required \
         user_{USER}=\"{PLAIN_PASSWORD}\";\n\
         listener.name.secure.scram-sha-256.sasl.jaas.config={scram}\n\
         listener.name.secure.scram-sha-512.sasl.jaas.config={scram}\n\
         authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
         super.users=User:ANONYMOUS\n",
        store.display(),
    )
}

/// Makes a key with a certificate of its own; answers with where the certificate is, in PEM.
fn certificate(directory: &Path, name: &str) -> PathBuf {
    let store = directory.join(format!("{name}.p12"));
    let certificate = directory.join(format!("{name}.pem"));
    let keytool = |arguments: &[&str]| {
        let output = Command::new("keytool")
            .args(arguments)
            .args(["-alias", name, "-storepass", STORE_PASSWORD, "-keystore"])
            .arg(&store)
            .output()
            .expect("`keytool` can be started: it comes with the JDK");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "keytool failed: {told}");
    };
    let kind = ["-storetype", "PKCS12", "-keyalg", "EC", "-groupname"];
    let subject = ["-dname", "CN=127.0.0.1", "-ext", "san=ip:127.0.0.1"];
    keytool(&[&["-genkeypair"], &kind[..], &["secp256r1"], &subject].concat());
    let file = certificate.to_str().expect("temporary paths are text");
    keytool(&["-exportcert", "-rfc", "-file", file]);
    certificate
}
