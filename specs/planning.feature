Feature: See a plan and its risks before anything happens
  `fsm plan` prints everything that a person should know before saying yes, and has no side effect.

  Scenario: The plan shows its steps in order, tools, parameters, risks, error table and digest
    Given the plan "deploy" of the specs
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it prints, line by line:
      """
      Deploy 2.0.1 (deploy)
      3 steps, one at a time. Cannot be undone: 2 Migrate the database.
      params…version="2.0.1"…host="staging"
      …DEPLOY_TOKEN…
      Steps
      …1…Build the package (build)
      run…tar --create --file app-2.0.1.tar app
      undo…rm app-2.0.1.tar
      …at most 5m…safe to repeat
      …2…Migrate the database (migrate) · after 1
      run…sh ./migrate.sh staging
      undo…nothing: cannot be undone
      …3…Switch the traffic (switch) · after 2
      run…sh ./switch.sh staging
      undo…sh ./switch.sh back…
      …up to 3 attempts…
      Tools
      tar…step 1
      sh…steps 2-3, to undo step 3
      rm…to undo step 1
      If something fails
      a step fails…pause and report (exit 3)
      3 different steps failed…abort, undo nothing (exit 1)
      a compensation fails…stop, alert (exit 5)
      Risks
      2…no rollback is declared: what is done stays done
      digest  {digest}
      Approve it with: fsm approve plan.yaml
      """

  Scenario: Looking at a plan has no side effect, not even a state folder
    Given the plan "deploy" of the specs
    When I run `fsm plan plan.yaml`
    And I run `fsm plan plan.yaml --json`
    And I run `fsm diagram plan.yaml`
    Then it exits with 0
    And the folder holds only "plan.yaml"
    And the home folder is empty

  Scenario: A step that changes nothing says so, and is not told as one that cannot be undone
    Given the plan:
      """
      plan:
        id: reading
        steps:
          - {id: lint, run: ruff check, read_only: true}
          - {id: write, run: echo write >> happened, rollback: echo -write >> happened}
          - {id: tell, depends_on: [lint, write], run: echo tell >> happened}
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it prints, line by line:
      """
      3 steps, one at a time. Cannot be undone: 3 tell.
      …1…lint
      undo…nothing to undo: it changes nothing
      terms…safe to repeat
      !…3…tell…
      undo…nothing: cannot be undone
      3…no rollback is declared: what is done stays done
      """
    When I run `fsm plan plan.yaml --json`
    Then its JSON has "steps.0.read_only" true
    And its JSON has "steps.0.rollback" null
    And its JSON has "irreversible.0" "tell"

  Scenario: A plan of many steps has a line for each, and says what can be undone; all is there on demand
    Given a plan of 60 steps, every third of which cannot be undone
    When I run `fsm plan plan.yaml`
    Then it prints, line by line:
      """
      60 steps, one at a time. Cannot be undone: steps 3, 6, 9…(20).
      Steps (! cannot be undone; `fsm plan --full` also shows rollbacks, terms and checks)
      !…3  s3   true
      Rollbacks
      undone if completed…40 steps
      cannot be undone…20: 3 s3, 6 s6, 9 s9…57 s57, 60 s60
      """
    And it does not print "undo    undo-s1"
    When I run `fsm plan plan.yaml --full`
    Then it prints, line by line:
      """
      …1  s1
      undo…undo-s1
      …60…s60
      undo…nothing: cannot be undone
      """

  Scenario: A script of several lines is shown as it is written
    Given the plan "release" of the specs
    When I run `fsm plan plan.yaml`
    Then it prints, line by line:
      """
      …8…Merge into the main branch (merge) · after 7
      run
      | git switch --quiet "$MAIN"
      | git merge --quiet --no-ff --message "Merge release $VERSION" "release/$VERSION"
      undo…git reset --quiet --keep HEAD~1 && git switch --quiet "release/$VERSION"
      """

  Scenario: The plan structure of the orchestration skill is read exactly as it is printed there
    Given the plan "s0" of the specs
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it prints, line by line:
      """
      Implement Feature (plan-001)
      2 steps, one at a time. All can be undone.
      secrets JIRA_TOKEN
      …1…step-1
      run…git-operations.create-branch name="feature/PROJ-123-new-feature" from="HEAD"
      undo…git-operations.delete-branch name="feature/PROJ-123-new-feature" force=false
      …2…step-2 · after 1
      run…jira-write.transition issue="PROJ-123" status="In Progress"…
      undo…jira-write.transition issue="PROJ-123" status="{{ steps…previous_status…
      skill git-operations…step 1, to undo step 1
      skill jira-write…step 2, to undo step 2
      """

  Scenario: A skill that nobody has provided is found before anything runs, with the one that was meant
    Given the plan "s0" of the specs
    And "jira-write" is changed to "jira-writer" in the plan
    When I run `fsm validate plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:14:7  no skill is called `jira-writer`; did you mean `jira-write`?"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "no skill is called `jira-writer`"
    And the folder holds only "plan.yaml"

  Scenario: Two words of a key may be written in both ways
    Given the plan:
      """
      plan:
        id: spelling
        errorHandling: {singleFailure: abort}
        steps:
          - {id: one, run: "true"}
          - {id: two, run: "true", dependsOn: one, onFailure: continue}
      """
    And I have run `fsm plan plan.yaml --json`
    And I note the "digest" it prints as "first"
    And the plan:
      """
      plan:
        id: spelling
        error_handling: {single_failure: abort}
        steps:
          - {id: one, run: "true"}
          - {id: two, run: "true", depends_on: [one], on_failure: continue}
      """
    When I run `fsm plan plan.yaml --json`
    Then it exits with 0
    And the "digest" it prints is still first

  Scenario: The digest stands for what the plan does, not for how its file is laid out
    Given the plan:
      """
      plan: {id: hello, params: {who: world}, steps: [{id: greet, run: [echo, "{{ params.who }}"]}]}
      """
    And I have run `fsm plan plan.yaml --json`
    And I note the "digest" it prints as "first"
    And the plan:
      """
      # The same, with room to breathe.
      plan:
        id: hello
        params:
          who: world
        steps:
          - id: greet
            run:
              - echo
              - "{{ params.who }}"
      """
    When I run `fsm plan plan.yaml --json`
    Then the "digest" it prints is still first
    When I run `fsm plan plan.yaml --json -p who=moon`
    Then the "digest" it prints is no longer first
    When I run `fsm plan plan.yaml --json --parallel 2`
    Then the "digest" it prints is no longer first
    When I change "greet" to "welcome" in the plan
    And I run `fsm plan plan.yaml --json`
    Then the "digest" it prints is no longer first

  Scenario: A parameter that the plan does not declare is refused
    Given the plan "deploy" of the specs
    When I run `fsm plan plan.yaml -p hots=production`
    Then it exits with 2
    And the error says "hots"
    And the error says "did you mean `host`?"

  Scenario: A parameter of another kind than declared is refused, and text stays as it is typed
    Given the plan:
      """
      plan:
        id: kinds
        params: {count: 3, version: 1.4.0}
        steps: [{id: one, run: [echo, "{{ params.count }}", "{{ params.version }}"]}]
      """
    When I run `fsm plan plan.yaml -p count=abc`
    Then it exits with 2
    And the error says "`--param count` must be a number, as the declared `3` is, not text"
    When I run `fsm plan plan.yaml -p count=7 -p version=1.10`
    Then it exits with 0
    And it prints "echo 7 1.10"

  Scenario: Every problem of a file is reported at once, each with its place and what to write instead
    Given the plan:
      """
      plan:
        id: many problems
        steps:
          - id: build
            need: [tset]
            run: make
          - id: test
            run: pytest -q {{ params.folder }}
            timeout: soon
            depends_on: [bild]
          - id: test
            run: "true"
            retry: {attempts: 0}
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 2
    And it prints nothing
    And the error says, line by line:
      """
      error: plan.yaml:2:3  `id` of the plan must be …, not `many problems`
      plan.yaml:5:7  step `build` has no key `need`; did you mean `depends_on`?
      plan.yaml:8:7  `run` of step `test` has a template within text that a shell runs; give it as one argument of a list…
      plan.yaml:9:7  `timeout` of step `test` must be a duration such as `10m`, not `soon`
      plan.yaml:10:20  step `test` depends on `bild`, which the plan does not have; did you mean `build`?
      plan.yaml:11:7  the id `test` is taken by step `test` on line 7; ids must differ in more than case
      plan.yaml:13:15  `retry.attempts` of step `test` must be at least 1, not `0`
      """

  Scenario: So are the problems that show only when the steps are seen together
    Given the plan:
      """
      plan:
        id: together
        steps:
          - id: build
            run: make
            depends_on: [tset]
          - id: test
            run: pytest -q {{ params.folder }}
          - id: deploy
            run: [deploy, "{{ steps.test.outputs.version }}"]
          - id: TEST
            run: "true"
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says, line by line:
      """
      …plan.yaml:6:20…`tset`…did you mean `test`?
      plan.yaml:8:7  `run` of step `test` has a template within text that a shell runs…
      plan.yaml:10:21  …step `deploy` names step `test`, which it does not wait for; add `test` to its `depends_on`
      plan.yaml:11:7  the id `TEST` is taken by step `test` on line 7; ids must differ in more than case
      """

  Scenario: A template in a shell string is an error that shows both ways to write it
    Given the plan:
      """
      plan:
        id: shell
        params: {name: "x; rm -rf /"}
        steps:
          - id: greet
            run: echo {{ params.name }}
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:6:7  `run` of step `greet` has a template within text that a shell runs"
    And the error says "`[…, "{{ params.name }}"]`"
    And the error says "`env: {NAME: "{{ params.name }}"}` and write `"$NAME"`"

  Scenario: A circle of dependencies is shown as the way round
    Given the plan:
      """
      plan:
        id: circle
        steps:
          - {id: a, run: "true", depends_on: c}
          - {id: b, run: "true", depends_on: a}
          - {id: c, run: "true", depends_on: b}
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says "plan.yaml:4:"
    And the error says "a → c → b → a"

  Scenario: For programs, the plan is one JSON document
    Given the plan "deploy" of the specs
    When I run `fsm plan plan.yaml --json`
    Then it exits with 0
    And it prints one JSON document and nothing else
    And its JSON has "digest" "{digest}"
    And its JSON has "steps.0.step" "build"
    And its JSON has "steps.1.rollback" null

  Scenario: A problem is JSON too, if JSON was asked for
    Given the plan:
      """
      plan:
        id: wrong
        steps: [{id: a, rnu: "true"}]
      """
    When I run `fsm plan plan.yaml --json`
    Then it exits with 2
    And it prints one JSON document and nothing else
    And its JSON has "exit_code" 2
    And its JSON has "problems.0.line" 3
    And there is no error

  Scenario: A plan may be piped in
    When I run `fsm run /dev/stdin --yes` with "plan: {id: piped, steps: [{id: one, run: echo one >> happened}]}" on its stdin
    Then it exits with 0
    And what happened is "one"

  Scenario: A file that is not there
    When I run `fsm plan nowhere.yaml`
    Then it exits with 2
    And the error says "nowhere.yaml  does not exist"
