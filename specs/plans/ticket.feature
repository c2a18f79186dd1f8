Feature: A ticket is moved

  Background:
    Given the approved plan "ticket.yaml"

  Scenario: There is no such ticket, and somebody moves it by hand
    Given the step "ticket" fails with exit code 7
    When somebody runs the plan
    Then the run is paused
    And the report says:
      """
      ✗ Step 2: Move the ticket - failed: exit code 7
      done: 1 Create the branch
      not done: 3 Tell the team
      """
    And the step "mail" never ran
    When "ann" marks "ticket" as done
    And somebody resumes the run
    Then the run is completed
    And the step "ticket" was marked by "ann"
    And the steps started are "branch", "ticket" and "mail"

  Scenario: It is given up, and the branch stays
    Given the step "ticket" fails
    When somebody runs the plan
    And somebody aborts the run
    Then the run is failed
    And nothing was rolled back
    When somebody resumes the run
    Then it is refused because "`resume` is refused"
    When somebody rolls the run back
    Then the run is rolled back
    And the steps rolled back are "branch"

  Scenario: The ticket is moved once more, with all that comes after it
    Given the step "mail" fails
    When somebody runs the plan
    Then the run is paused
    When the step "mail" succeeds
    And somebody resumes the run from "ticket"
    Then the run is completed
    And the step "ticket" was tried 2 times
    And the step "branch" was tried 1 time
