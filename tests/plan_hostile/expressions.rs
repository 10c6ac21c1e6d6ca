//! Expressions, patterns and templates that would cost too much.

use super::*;

#[test]
fn expressions_and_patterns_have_a_price() {
    let long = (0..9000)
        .map(|_| "ticket.tier == 'a'")
        .collect::<Vec<_>>()
        .join(" && ");
    let triggers = |expression: &dyn Fn(usize) -> String| {
        let plans = listed(20, |plan| {
            let triggers = listed(60, |n| {
                format!("{{ name: t{n}, level: 1, when: \"{}\" }}", expression(n))
            });
            format!(
                "{{ name: p{plan}, path: [{{ assign: {{ queue: q }} }}], triggers: [{triggers}] }}"
            )
        });
        format!("plans: [{plans}]\n")
    };
    for (name, text, message, remedy) in [
        (
            "a long expression",
            plan(&format!("match: \"{long}\"")),
            "error[E0506]: the expression has 197996 bytes, more than 4096",
            "help: it is evaluated for every event",
        ),
        (
            "a pattern that repeats repetitions",
            plan("match: \"ticket.subject.matches('(((a{1,100}){1,100}){1,100}){1,100}')\""),
            "error[E0505]: `(((a{1,100}){1,100}){1,100}){1,100}` is no usable pattern",
            "help: write a regular expression without large repetitions",
        ),
        (
            "a pattern of many letters",
            plan("match: \"ticket.subject.matches('(?i)[a-zß]{500}')\""),
            "error[E0505]: `(?i)[a-zß]{500}` is no usable pattern",
            "help: write a regular expression without large repetitions",
        ),
        (
            "many expressions",
            triggers(&|n| format!("ticket.subject.matches('[a-z]{{{n}}}x')")),
            "error[E0206]: there are more than 1000 expressions",
            "help: write maps of fields",
        ),
    ] {
        assert_text_refused(name, &text, &refusal(message, "plan.yaml:1:", remedy));
    }
}

#[test]
fn templates_have_a_price() {
    let template = |body: &str| format!("templates: {{ t: {{ subject: a, body: \"{body}\" }} }}\n");
    let loops: String = (0..20)
        .map(|n| format!("{{% for x{n} in ticket.tags %}}"))
        .collect();
    let ends = "{% endfor %}".repeat(20);
    let say_less = "help: say less: people read it on a phone";
    for (name, body, message, remedy) in [
        (
            "loops in loops",
            format!("{loops}x{ends}"),
            "error[E0706]: the template costs too much",
            "help: leave out loops in loops",
        ),
        (
            "a long text",
            "{{ ticket.id }}".repeat(60_000),
            "error[E0706]: the text has 900000 bytes, more than 16384",
            say_less,
        ),
        (
            "parentheses",
            format!("{{{{ {}1{} }}}}", "(".repeat(3000), ")".repeat(3000)),
            "error[E0706]: the text has 201 parts between two braces",
            say_less,
        ),
        (
            "conditions in conditions",
            format!(
                "{}{}",
                "{% if true %}".repeat(600),
                "{% endif %}".repeat(600)
            ),
            "error[E0706]: the text has 201 statements",
            say_less,
        ),
        (
            "a text many times",
            "{{ 'x' * 1000000000 }}".to_owned(),
            "error[E0706]: the template costs too much",
            "help: leave out loops in loops, and repeated texts",
        ),
        (
            "a range",
            "{% for x in range(1000000000) %}x{% endfor %}".to_owned(),
            "error[E0704]: `range` is called",
            "help: there are filters",
        ),
        (
            "a wide format",
            "{{ due_at | local('UTC', '%99999999d') }}".to_owned(),
            "error[E0703]: `%99999999d` is no format of an instant",
            "help: write it as in",
        ),
    ] {
        let refusal = refusal(message, "plan.yaml:1:", remedy);
        assert_text_refused(name, &template(&body), &refusal);
    }
}
