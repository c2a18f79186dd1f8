Feature: Files
  The skill `files` changes files in the plan's folder, keeps what was there, and brings it back.

  Background:
    Given the file "app.conf":
      """
      port = 80
      """
    And the file "app.conf.in":
      """
      port = {{ port }}
      """
    And the file "old/notes":
      """
      remember
      """
    And the plan:
      """
      plan:
        id: configure
        params: {port: 8080}
        steps:
          - {id: folder, skill: files, action: make-folder, params: {path: backup}}
          - {id: save, skill: files, action: copy, params: {source: app.conf, to: backup/app.conf}}
          - id: configure
            skill: files
            action: template
            params: {source: app.conf.in, to: app.conf, values: {port: "{{ params.port }}"}}
          - {id: tidy, skill: files, action: remove, params: {path: old}}
          - {id: rename, skill: files, action: move, params: {source: app.conf.in, to: app.template}}
          - {id: note, skill: files, action: write, params: {path: NOTES, text: done, mode: "0600"}}
          - {id: start, run: test -e started}
      """

  Scenario: The plan shows how each step is undone, and that nothing is irreversible
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it prints "files.template"
    And it prints "files.restore"

  Scenario: Every step is tried before anything happens, and nothing is changed by that
    When I run `fsm validate plan.yaml`
    Then it exits with 0
    And there is no file "backup"
    And the file "app.conf" reads "port = 80"

  Scenario: It does what it says
    Given there is a file "started"
    When I run `fsm run plan.yaml --yes`
    Then it exits with 0
    And the file "backup/app.conf" reads "port = 80"
    And the file "app.conf" reads "port = 8080"
    And there is no file "old"
    And the file "app.template" reads "port = {{ port }}"
    And the file "NOTES" reads "done"

  Scenario: Rolled back, everything is as it was
    Given I have run `fsm run plan.yaml --yes`
    When I run `fsm rollback`
    Then it exits with 4
    And the file "app.conf" reads "port = 80"
    And the file "app.conf.in" reads "port = {{ port }}"
    And the file "old/notes" reads "remember"
    And there is no file "backup"
    And there is no file "NOTES"
    And there is no file "app.template"

  Scenario: A run that was completed is rolled back from a folder below
    Given there is a file "started"
    And I have run `fsm run plan.yaml --yes`
    And there is a folder "below"
    When I run `fsm rollback` in the folder "below"
    Then it exits with 4
    And the file "app.conf" reads "port = 80"
    And the file "old/notes" reads "remember"

  Scenario: A step that would leave the plan's folder keeps the plan from being run
    Given the plan:
      """
      plan:
        id: leave
        steps:
          - {id: first, skill: files, action: write, params: {path: mine, text: x}}
          - {id: out, skill: files, action: write, params: {path: ../theirs, text: x}}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "`../theirs` leads out of the plan's folder"
    And the error says "`outside: true`"
    And there is no file "mine"
    And there is no file "../theirs"

  Scenario: What no step before can make must be there
    Given the plan:
      """
      plan:
        id: missing
        steps:
          - {id: look, run: "true", read_only: true}
          - {id: copy, skill: files, action: copy, params: {source: app.cnf, to: backup}}
          - {id: later, skill: files, action: remove, params: {path: made-by-copy}}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 2
    And the error says "step `copy`, dry_run: there is no app.cnf"
    And nothing that was printed holds "there is no made-by-copy"

  Scenario: A value that looks like a command, an option or a template is a value
    Given the plan:
      """
      plan:
        id: hostile
        params: {name: plain}
        steps:
          - id: write
            skill: files
            action: write
            params: {path: "{{ params.name }}", text: "{{ params.name }}"}
      """
    When I run `fsm run plan.yaml --yes --param 'name=-rf $(touch pwned) {{ 7 * 7 }}'`
    Then it exits with 0
    And the file "-rf $(touch pwned) {{ 7 * 7 }}" reads "-rf $(touch pwned) {{ 7 * 7 }}"
    And there is no file "pwned"
