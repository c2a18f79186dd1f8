Feature: The plan of the orchestration skill, whole
  A branch is made in a git repository and an issue is moved in Jira: planned, approved, validated, run, and
  rolled back.

  Background:
    Given a git repository with one commit on its branch main
    And a Jira site with the issue PROJ-123 in To Do
    And the plan "s0" of the specs
    And I note how the repository is

  Scenario: It is approved and completed
    Given the plan is approved
    When I run `fsm run plan.yaml`
    Then it exits with 0
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    And PROJ-123 is in In Progress
    And the token of the site stands nowhere

  Scenario: Validation makes every dry run, and has no effect
    When I run `fsm validate plan.yaml`
    Then it exits with 0
    And it prints "step-1  ✓       ✓            ✓        ✓"
    And it prints "step-2  ✓       ✓            ✓        ✓"
    And the repository is exactly as it was
    And nothing was written to the site

  Scenario: A permission that is missing keeps it from being started
    Given the account of the site has not the permission TRANSITION_ISSUES
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "has not the permission TRANSITION_ISSUES on PROJ-123"
    And the repository is exactly as it was
    And nothing was written to the site

  Scenario: Its second step fails; rolled back, the branch is gone
    Given the repository holds whoever checks something out, as "switch"
    When I start `fsm run plan.yaml --yes`
    And "switch" has begun
    And the account of the site has not the permission TRANSITION_ISSUES
    And I let "switch" end
    And it ends
    Then it exits with 3
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    When I run `fsm rollback`
    Then it exits with 4
    And its branches are "main", and it is on "main"
    And PROJ-123 is in To Do

  Scenario: A step after it fails; rolled back, the branch is gone and the issue is back in its former status
    Given the plan goes on with:
      """
          - id: "step-3"
            run: "false"
            dependsOn: ["step-2"]
      """
    And I note how the repository is
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And PROJ-123 is in In Progress
    When I run `fsm rollback`
    Then it exits with 4
    And its branches are "main", and it is on "main"
    And the repository is exactly as it was
    And PROJ-123 is in To Do

  Scenario: A completed run is rolled back as well
    Given I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And the repository is exactly as it was
    And PROJ-123 is in To Do

  Scenario: What was committed on the branch since is not lost by a rollback
    Given I have run `fsm run plan.yaml --yes`
    And there is a file "work"
    And its files are committed
    When I run `fsm rollback`
    Then it exits with 5
    And it prints "has commits that are nowhere else"
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"

  Scenario: A branch that is there already is found before anything happens
    Given the repository has a branch "feature/PROJ-123-new-feature"
    And I note how the repository is
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "a branch called `feature/PROJ-123-new-feature` already exists"
    And the repository is exactly as it was

  Scenario: Where there is no repository, nothing is started
    Given the plan:
      """
      plan:
        id: nowhere
        steps:
          - {id: tag, skill: git-operations, action: tag, params: {name: v1}, cwd: /}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "git cannot work in /: not a git repository"

  Scenario: The runner dies while the branch is being made; resumed, it goes on
    Given the repository holds whoever checks something out, as "switch"
    When I start `fsm run plan.yaml --yes`
    And "switch" has begun
    And its runner is killed by kill -9
    And what "switch" left running is killed
    And I let "switch" end
    And I run `fsm resume`
    Then it exits with 0
    And the journal tells:
      """
      step-1 started
      runner lost, resumed
      step-1 found done
      step-2 started, step-2 completed
      """
    And its branches are "feature/PROJ-123-new-feature main", and it is on "feature/PROJ-123-new-feature"
    And PROJ-123 is in In Progress
    When I run `fsm rollback`
    Then it exits with 4
    And its branches are "main", and it is on "main"
    And PROJ-123 is in To Do

  Scenario: A release, each step of which is taken back
    Given the plan:
      """
      plan:
        id: release
        steps:
          - {id: clean, skill: git-operations, action: check-clean, params: {untracked: false}}
          - {id: branch, skill: git-operations, action: create-branch, params: {name: release}}
          - {id: version, skill: files, action: write, params: {path: VERSION, text: "1.0\n"}}
          - {id: commit, skill: git-operations, action: commit, params: {message: Release 1.0, paths: [VERSION]}}
          - {id: tag, skill: git-operations, action: tag, params: {name: v1.0, message: The first}}
          - {id: back, skill: git-operations, action: checkout, params: {to: main}}
          - {id: merge, skill: git-operations, action: merge, params: {from: release, fast_forward: false}}
          - {id: tidy, skill: git-operations, action: delete-branch, params: {name: release}}
          - {id: announce, run: test -e announced}
      """
    And I note how the repository is
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And its branches are "main", and it is on "main"
    And its tags are "v1.0"
    And the newest commits of "main" are "Merge branch 'release', Begin"
    When I run `fsm rollback`
    Then it exits with 4
    And the repository is exactly as it was
