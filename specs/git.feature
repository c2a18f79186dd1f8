Feature: A plan on a real git repository
  The plan structure of the orchestration skill: a branch is created, then a ticket is moved.

  Background:
    Given a git repository with one commit on its branch main
    And the plan "feature" of the specs
    And I note how the repository is
    And the plan is approved

  Scenario: The second step fails; the run pauses and leaves the branch
    When I run `fsm run plan.yaml`
    Then it exits with 3
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    And it prints "✓ Step 1: Create the branch - completed"
    And it prints "✗ Step 2: Move the ticket - failed"
    And it prints "| no board in"

  Scenario: Mended and resumed, it completes
    Given I have run `fsm run plan.yaml`
    When I make the folder "board"
    And I run `fsm resume`
    Then it exits with 0
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    And the file "board/PROJ-123" reads "In Progress"
    And the journal tells:
      """
      step-1 started, step-1 completed, step-2 started, step-2 failed
      resumed
      step-2 started, step-2 completed
      """

  Scenario: Rolled back, the branch is gone
    Given I have run `fsm run plan.yaml`
    When I run `fsm rollback`
    Then it exits with 4
    And its branches are "main", and it is on "main"
    And the repository is exactly as it was

  Scenario: A branch that is there already is not this run's, and its rollback leaves it alone
    Given the repository has a branch "feature/PROJ-123-new-feature"
    And I note how the repository is
    When I run `fsm run plan.yaml`
    Then it exits with 3
    And it prints "✗ Step 1: Create the branch - failed"
    And it prints "already exists"
    When I run `fsm rollback`
    Then it exits with 4
    And the repository is exactly as it was
