Feature: Hold a plan to the rules of good practice
  `fsm lint` tells where a plan does not say what it should say before it runs. The plan runs all the same.

  Background:
    Given the plan:
      """
      plan:
        id: site
        description: Puts the new site in place.
        steps:
          - {id: look, run: test -d site, read_only: true, timeout: 1m}
          - id: copy
            depends_on: [look]
            run: cp -R site live
            check: test -d live
            retry: 3
            timeout: 5m
      """

  Scenario: Each finding has its place, its rule and the way out
    When I run `fsm lint plan.yaml`
    Then it exits with 1
    And it prints exactly:
      """
      ✗ plan.yaml:6:7  contingency: step `copy` has no `rollback`: what it does stays done; give it a `rollback`, or say `read_only: true`
      ✗ plan.yaml:10:7  retry-safe: step `copy` is tried up to 3 times, and is not `idempotent`; say `idempotent: true` if that is so, else leave `retry` out
      ✗ site: 2 findings, 2 rules broken; why: fsm lint --explain contingency
      """
    And the folder holds only "plan.yaml"

  Scenario: A plan that keeps all rules
    Given its step "copy" has "idempotent: true"
    And its step "copy" has "rollback: {run: rm -r live, timeout: 1m}"
    When I run `fsm lint plan.yaml`
    Then it exits with 0
    And it prints exactly:
      """
      ✓ site: keeps all rules
      """

  Scenario: Rules are left out on the command line, or by a comment in the plan
    When I run `fsm lint plan.yaml --ignore retry-safe --ignore contingency`
    Then it exits with 0
    When I change "retry: 3" to "retry: 3 # fsm: ignore retry-safe" in the plan
    And I run `fsm lint plan.yaml`
    Then it exits with 1
    And it prints "contingency:"
    And it does not print "retry-safe:"
    When I change "- id: copy" to "- id: copy # fsm: ignore contingency" in the plan
    And I run `fsm lint plan.yaml`
    Then it exits with 0

  Scenario: A rule is explained, with a plan that breaks it and one that keeps it
    When I run `fsm lint --explain contingency`
    Then it exits with 0
    And it prints, line by line:
      """
      contingency: Each step that changes something says how it is undone, …
      Why: A rollback passes over what has no `rollback`: it stays done.
      Source: S2, checklist: Contingency plans defined
      This breaks it:
      run: cp -R site live
      This keeps it:
      rollback: {run: rm -r live, timeout: 1m}
      Way out: give it a `rollback`, or say `read_only: true`
      """
    When I run `fsm lint --explain`
    Then it exits with 0
    And it prints "contingency …"
    And it prints "timeout …"

  Scenario: As JSON
    When I run `fsm lint plan.yaml --json`
    Then it exits with 1
    And it prints one JSON document and nothing else
    And its JSON has "findings.1.rule" "retry-safe"
    And its JSON has "findings.1.line" 10
    And its JSON has "findings.1.column" 7
    When I run `fsm lint --explain timeout --json`
    Then its JSON has "rule" "timeout"

  Scenario: What is no rule, no plan, or no file
    When I run `fsm lint --explain contingencies`
    Then it exits with 2
    And the error says "there is no rule `contingencies`"
    And the error says "did you mean `contingency`?"
    When I run `fsm lint plan.yaml --ignore timeouts`
    Then it exits with 2
    And the error says "there is no rule `timeouts`"
    When I run `fsm lint`
    Then it exits with 2
    When I change "read_only" to "read-only" in the plan
    And I run `fsm lint plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:5:37  step `look` has no key `read-only`"
