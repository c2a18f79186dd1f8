Feature: The example plan of the orchestration skill, as it is printed there
  A branch is created in a git repository, then an issue is moved in Jira. Nothing is installed or declared for
  it but the site and the account in the environment.

  Background:
    Given a git repository with one commit on its branch main
    And a Jira site with the issue PROJ-123 in To Do
    And the plan "s0" of the specs
    And I note how the repository is

  Scenario: The plan is shown, with what undoes each step, and nothing happens
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it prints "git-operations.create-branch"
    And it prints "git-operations.delete-branch"
    And it prints "jira-write.transition"
    And the repository is exactly as it was
    And the site was asked for nothing

  Scenario: Without approval nothing runs
    When I run `fsm run plan.yaml`
    Then it exits with 6
    And the repository is exactly as it was
    And nothing was written to the site

  Scenario: Validation tries each step, and changes nothing
    When I run `fsm validate plan.yaml`
    Then it exits with 0
    And it prints, line by line:
      """
      step    inputs  permissions  targets  dry-run
      step-1  ✓       ✓            ✓        ✓
      step-2  ✓       ✓            ✓        ✓
      """
    And the repository is exactly as it was
    And nothing was written to the site

  Scenario: A permission that is missing keeps the plan from starting
    Given the account of the site has not the permission TRANSITION_ISSUES
    And the plan is approved
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And it prints "step-2  ✓       ✗            ✓        not made"
    And it prints "ann@example.org has not the permission TRANSITION_ISSUES on PROJ-123"
    When I run `fsm run plan.yaml`
    Then it exits with 2
    And the error says "step `step-2`: ann@example.org has not the permission TRANSITION_ISSUES on PROJ-123"
    And the repository is exactly as it was
    And nothing was written to the site

  Scenario: An issue that is not there keeps the plan from starting
    Given "issue: "PROJ-123"" is changed to "issue: "PROJ-9"" in the plan
    And I note how the repository is
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "PROJ-9 is not there, or JIRA_EMAIL may not see it"
    And the repository is exactly as it was

  Scenario: A branch that is there already keeps the plan from starting
    Given the repository has a branch "feature/PROJ-123-new-feature"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `step-1`, dry_run: …feature/PROJ-123-new-feature"
    And nothing was written to the site

  Scenario: Approved, it runs; rolled back, both systems are as they were
    Given the plan is approved
    When I run `fsm run plan.yaml`
    Then it exits with 0
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    And PROJ-123 is in In Progress
    When I run `fsm rollback`
    Then it exits with 4
    And PROJ-123 is in To Do
    And its branches are "main", and it is on "main"
    And the repository is exactly as it was
    And the journal tells:
      """
      step-1 started, step-1 completed, step-2 started, step-2 completed
      rollback requested
      step-2 undo started, step-2 undone, step-1 undo started, step-1 undone
      """
    And the token of the site stands nowhere

  Scenario: The second step fails; the run pauses, and rolled back the branch is gone and the issue where it was
    Given the plan is approved
    And somebody else changes PROJ-123 at the same time as it is moved
    When I run `fsm run plan.yaml`
    Then it exits with 3
    And it prints "✗ Step 2: step-2 - failed: somebody else changed PROJ-123 at the same time"
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    When I run `fsm rollback`
    Then it exits with 4
    And the repository is exactly as it was
    And PROJ-123 is in To Do

  Scenario: The second step fails; resumed, it is tried again, and the branch is not made twice
    Given the plan is approved
    And somebody else changes PROJ-123 at the same time as it is moved
    And I have run `fsm run plan.yaml`
    When I run `fsm resume`
    Then it exits with 0
    And PROJ-123 is in In Progress
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    And the journal tells:
      """
      step-1 started, step-1 completed, step-2 started, step-2 failed
      resumed
      step-2 started, step-2 completed
      """
