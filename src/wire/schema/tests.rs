use super::*;

#[test]
fn fingerprints_are_those_of_an_independent_implementation() {
    // Computed from the specification by another program; a new value here means that records in
    // the old form can no longer be read, so a changed schema is added, never replaced.
    for (name, fingerprint) in [
        (SchemaName::TicketCreated, 0xd810_b456_a078_3a9d_u64),
        (SchemaName::TicketUpdated, 0x3886_edd9_fa72_741d),
        (SchemaName::Escalated, 0x6cab_534b_6c15_4790),
        (SchemaName::Notify, 0x07b6_ce0d_24c7_6142),
        (SchemaName::EscalationState, 0x85af_45d0_4b1c_b623),
    ] {
        assert_eq!(
            u64::from_le_bytes(name.fingerprint()),
            fingerprint,
            "{}",
            name.name()
        );
        assert_eq!(
            SchemaName::with_fingerprint(&name.fingerprint()),
            Some(name)
        );
    }
}

#[test]
fn states_that_were_ever_written_have_their_schema() {
    for fingerprint in [0xd42b_461a_cb06_88cb_u64, 0xc995_232f_ea74_48bd] {
        let known = former_state(fingerprint.to_le_bytes()).unwrap();
        assert!(matches!(known, FormerState::Typed(_)));
    }
    let known = former_state(0x9042_7139_e99a_dc7f_u64.to_le_bytes()).unwrap();
    assert!(matches!(known, FormerState::Packed));
    assert!(former_state([0; 8]).is_none());
}

#[test]
fn every_schema_and_field_is_documented_and_named_as_its_file() {
    for name in SchemaName::ALL {
        let json: serde_json::Value = serde_json::from_str(name.text()).unwrap();
        assert_eq!(json["name"], name.name());
        assert_eq!(json["namespace"], "escalator.v1");
        assert_eq!(SchemaName::named(name.name()), Some(name));
        documented(&json);
    }
}

fn documented(record: &serde_json::Value) {
    assert!(record["doc"].is_string(), "{}", record["name"]);
    for field in record["fields"].as_array().unwrap() {
        assert!(field["doc"].is_string(), "{}", field["name"]);
        let kind = &field["type"];
        for inner in [kind, &kind["items"], &kind["values"], &kind[1]] {
            if inner["type"] == "record" {
                documented(inner);
            }
        }
    }
}
