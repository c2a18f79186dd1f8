Feature: Issues in Jira
  The skill `jira-write` moves issues and comments on them, and takes both back.

  Background:
    Given a Jira site with the issue PROJ-123 in To Do
    And the plan:
      """
      plan:
        id: begin
        steps:
          - {id: move, skill: jira-write, action: transition, params: {issue: PROJ-123, status: In Progress}}
          - id: tell
            depends_on: move
            skill: jira-write
            action: comment
            params: {issue: PROJ-123, body: "was {{ steps.move.outputs.previous_status }}\nis begun"}
          - {id: work, depends_on: tell, run: test -e ready}
      """

  Scenario: An issue is moved and commented on; rolled back, both are taken back
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And PROJ-123 is in In Progress
    And the comments of PROJ-123 read:
      """
      was To Do|is begun
      """
    When I run `fsm rollback`
    Then it exits with 4
    And PROJ-123 is in To Do
    And PROJ-123 has no comment
    And the token of the site stands nowhere

  Scenario: The plan shows how each step is undone, and names the secret
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it prints "jira-write.transition"
    And it prints "jira-write.delete-comment"
    And it prints "JIRA_TOKEN"

  Scenario: Validation changes nothing
    When I run `fsm validate plan.yaml`
    Then it exits with 0
    And nothing was written to the site

  Scenario: A permission that is missing is found before anything happens
    Given the account of the site has not the permission ADD_COMMENTS
    And there is a file "ready"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `tell`…ann@example.org has not the permission ADD_COMMENTS on PROJ-123"
    And nothing was written to the site
    When the account of the site has the permission ADD_COMMENTS
    And I run `fsm run plan.yaml --yes`
    Then it exits with 0

  Scenario: A permission that only the rollback needs is found, too
    Given the account of the site has not the permission DELETE_OWN_COMMENTS
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "step `tell`, rollback: ann@example.org has not the permission DELETE_OWN_COMMENTS on PROJ-123"

  Scenario: An issue that is not there is found before anything happens
    Given "issue: PROJ-123, s" is changed to "issue: PROJ-9, s" in the plan
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "PROJ-9 is not there, or JIRA_EMAIL may not see it"
    And nothing was written to the site

  Scenario: A status that cannot be reached is found by the dry run, with those that can
    Given "In Progress" is changed to "Done" in the plan
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "no transition leads PROJ-123 from `To Do` to `Done`; it can go to: `In Progress`, `Blocked`"

  Scenario: An account that Jira does not know
    Given the environment has JIRA_TOKEN=another-token
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "Jira takes neither JIRA_EMAIL nor JIRA_TOKEN for known"

  Scenario: A site that limits how often it may be asked
    Given the site answers the next 2 requests by 429
    And there is a file "ready"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And PROJ-123 is in In Progress

  Scenario: Somebody else moves the issue on; the rollback leaves it there and asks for a person
    Given I have run `fsm run plan.yaml --yes`
    When somebody moves PROJ-123 to Done
    And I run `fsm rollback`
    Then it exits with 5
    And it prints "PROJ-123 is in `Done`, no longer in `In Progress`: somebody moved it"
    And PROJ-123 is in Done

  Scenario: The runner dies between the move and its record; the check finds it, and the way back is known
    Given the runner is killed as soon as the site has taken a write
    When I start `fsm run plan.yaml --yes`
    And it ends
    And I run `fsm resume`
    Then it exits with 3
    And the journal tells:
      """
      move started
      runner lost, resumed
      move found done
      tell started, tell completed, work started, work failed
      """
    And the comments of PROJ-123 read:
      """
      was To Do|is begun
      """
    When I run `fsm rollback`
    Then it exits with 4
    And PROJ-123 is in To Do

  Scenario: An issue that was in that status before the run stays in it when the run is rolled back
    Given somebody moves PROJ-123 to In Progress
    When I run `fsm run plan.yaml --yes`
    And I run `fsm rollback`
    Then it exits with 4
    And PROJ-123 is in In Progress
    And PROJ-123 has no comment
