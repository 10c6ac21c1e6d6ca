//! A broker that lets nobody in without a login, speaks TLS, and lets each user do only what was
//! granted.
//!
//! It has a listener for users with a password, one for a user with a certificate, and one without
//! security, for the tests themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Broker, More, directory, free_port, run_program};

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
    /// `host:port` for users with a password.
    pub(crate) address: String,
    /// `host:port` for the user with a certificate, who is [`USER`].
    pub(crate) certified_address: String,
    /// The certificate that the broker's is checked by.
    pub(crate) trusted: PathBuf,
    /// A certificate that has nothing to do with it.
    pub(crate) stranger: PathBuf,
    /// The certificate of [`USER`].
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

impl Secured {
    /// Starts it; nobody has any rights yet.
    pub(crate) fn start() -> Self {
        let directory = directory();
        let trusted = certificate(&directory, "127.0.0.1");
        let stranger = certificate(&directory, "stranger");
        let certificate = certificate(&directory, USER);
        let key = key(&directory, USER);
        let (port, certified_port) = (free_port(), free_port());
        let settings = settings(&directory.join("127.0.0.1.p12"), &certificate);
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
            listeners: format!(",SECURE://127.0.0.1:{port},CERTIFIED://127.0.0.1:{certified_port}"),
            settings,
            formatted,
        };
        Self {
            broker: Broker::start_in(directory, &more),
            address: format!("127.0.0.1:{port}"),
            certified_address: format!("127.0.0.1:{certified_port}"),
            trusted,
            stranger,
            certificate,
            key,
        }
    }

    /// Lets users do what the lines say: `USER TYPE NAME OPERATION[,OPERATION]`, where a name that
    /// ends in `*` is the beginning of one.
    pub(crate) fn grant(&self, grants: &[String]) {
        let address = std::iter::once(self.broker.address.as_str());
        let arguments = address.chain(grants.iter().map(String::as_str));
        run_program("Grant.java", arguments).expect("rights can be granted");
    }
}

fn settings(store: &Path, certificate: &Path) -> String {
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    format!(
        "ssl.keystore.location={}\n\
         ssl.keystore.type=PKCS12\n\
         ssl.keystore.password={STORE_PASSWORD}\n\
         listener.name.certified.ssl.client.auth=required\n\
         listener.name.certified.ssl.truststore.location={}\n\
         listener.name.certified.ssl.truststore.type=PEM\n\
         listener.name.certified.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/\n\
         listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\n\
         listener.name.secure.plain.sasl.jaas.config=\
         org.apache.kafka.common.security.plain.PlainLoginModule required \
         user_{USER}=\"{PLAIN_PASSWORD}\";\n\
         listener.name.secure.scram-sha-256.sasl.jaas.config={scram}\n\
         listener.name.secure.scram-sha-512.sasl.jaas.config={scram}\n\
         authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
         super.users=User:ANONYMOUS\n",
        store.display(),
        certificate.display(),
    )
}

/// Takes the key of a certificate out of its store; answers with where it is, in PEM.
fn key(directory: &Path, name: &str) -> PathBuf {
    let store = directory.join(format!("{name}.p12"));
    let store = store.to_str().expect("temporary paths are text");
    let key = directory.join(format!("{name}.key"));
    let printed = run_program("Key.java", [store, name, STORE_PASSWORD]);
    let printed = printed.expect("a key can be taken out");
    fs::write(&key, printed).expect("the key can be written");
    key
}

/// Makes a key with a certificate of its own for this name; answers with where the certificate is, in PEM.
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
    let common_name = format!("CN={name}");
    let subject = ["-dname", &common_name, "-ext", "san=ip:127.0.0.1"];
    keytool(&[&["-genkeypair"], &kind[..], &["secp256r1"], &subject].concat());
    let file = certificate.to_str().expect("temporary paths are text");
    keytool(&["-exportcert", "-rfc", "-file", file]);
    certificate
}
