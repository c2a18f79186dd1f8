Feature: See a plan, a run or a machine as a picture
  `fsm diagram` draws from the tables and the journal themselves; no system package is needed.

  Scenario Outline: A plan as <format>, in a file whose name says which
    Given the plan "release" of the specs
    When I run `fsm diagram plan.yaml -o <file>`
    Then it exits with 0
    And it prints nothing
    And the file "<file>" begins with "<begins>"

    Examples:
      | format  | file        | begins  |
      | SVG     | plan.svg    | <svg    |
      | Mermaid | plan.mmd    | ---     |
      | DOT     | plan.gv     | digraph |

  Scenario: A picture says what every node is, to a page and to those who hear it
    Given the plan "release" of the specs
    When I run `fsm diagram plan.yaml --format svg`
    Then it exits with 0
    And it prints "id="step-bump""
    And it prints "<title>3 Write the version (bump)"
    And it prints "prefers-color-scheme: dark"
    And it does not print "<script"
    When I run `fsm diagram plan.yaml --view machine --format svg`
    Then it prints "id="state-needs_intervention""

  Scenario: PNG is for files and pipes, not for a terminal
    Given the plan "release" of the specs
    When I run `fsm diagram plan.yaml -o plan.png`
    Then it exits with 0
    And the file "plan.png" is a PNG
    When I run `fsm diagram plan.yaml --format png` on a terminal
    Then it exits with 2
    And it prints "a terminal shows no PNG; name a file: -o FILE.png"

  Scenario: A run is coloured by the state of each step, failed and rolled-back ones marked
    Given the plan:
      """
      plan:
        id: site
        name: Publish the site
        steps:
          - {id: build, run: "true", rollback: "true"}
          - {id: test, run: "true", read_only: true, depends_on: [build]}
          - {id: publish, run: exit 3, retry: {attempts: 2, delay: 1ms}, depends_on: [test]}
          - {id: tell, run: "true", depends_on: [publish]}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm diagram {run}`
    Then it exits with 0
    And it prints "Publish the site: run {run}: paused; thick: the critical path, 3 steps in …"
    And it prints "<b>1 build</b><br/>completed<br/>…"):::good"
    And it prints "<b>3 publish</b><br/>failed<br/>exit code 3<br/>2 attempts, …<br/>no rollback"):::bad"
    And it prints "<b>4 tell</b><br/>no rollback"):::risky"
    And it prints "class s1,s2,s3 thick"
    When I run `fsm diagram {run} --view machine`
    Then it prints "<b>paused</b><br/>the run is here<br/>"
    When I run `fsm diagram {run} --view step`
    Then it prints "<b>pending</b><br/>1 step<br/>"
    And it prints "<b>◉ completed</b><br/>2 steps"
    Given I have run `fsm rollback`
    When I run `fsm diagram {run}`
    Then it prints "<b>1 build</b><br/>rolled back<br/>"
    And it prints "<b>2 test</b><br/>completed<br/>"
    When I run `fsm diagram {run} -o run.png`
    Then it exits with 0
    And the file "run.png" is a PNG

  Scenario: Looking at a run changes nothing
    Given the plan "hello" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm log`
    And I run `fsm diagram {run} --format svg`
    And I run `fsm log`
    Then it exits with 0
    And the journal has no record that it had not before

  Scenario: A machine is drawn from its file, which is not overwritten
    Given the machine "door" of the specs
    When I run `fsm diagram door.yaml`
    Then it exits with 0
    And it prints "door machine"
    And it prints "<b>locked</b><br/>stays on<br/>knock"
    And it prints "break in#58;<br/>forced [not bolt_holds]"
    And it prints "◉ broken"
    When I run `fsm diagram door.yaml -o ./door.yaml`
    Then it exits with 2
    And the error says "./door.yaml is the machine itself; name another file for -o"
    When I run `fsm diagram door.yaml --view plan`
    Then it exits with 2
    And the error says "door.yaml is a machine: it has no plan; draw it without --view"

  Scenario: Without a file or a run the newest run is drawn
    When I run `fsm diagram`
    Then it exits with 6
    And the error says "no run is recorded in"
    Given the plan "hello" of the specs
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm diagram`
    Then it exits with 0
    And it prints "run {run}: completed"
    When I run `fsm diagram hello`
    Then it exits with 0
    And it prints "run {run}: completed"

  Scenario: A plan that holds the value of a secret is not shown
    Given the environment has TOKEN=hunter2-hunter2
    And the plan:
      """
      plan: {id: leak, secrets: [TOKEN], steps: [{id: one, run: [echo, hunter2-hunter2]}]}
      """
    When I run `fsm diagram plan.yaml --format svg`
    Then it exits with 2
    And it prints nothing
    And the error does not say "hunter2"

  Scenario: A name in any script is drawn, and a folder that is not there is told
    Given the plan:
      """
      plan: {id: tokyo, name: 東京, steps: [{id: one, run: ["true"]}]}
      """
    When I run `fsm diagram plan.yaml -o plan.svg`
    Then it exits with 0
    And there is no error
    When I run `fsm diagram plan.yaml -o missing/plan.svg`
    Then it exits with 2
    And the error says "cannot write missing/plan.svg: No such file or directory"
    When I run `fsm diagram plan.yaml -o plan.gif`
    Then it exits with 2
    And the error says "there is no format for plan.gif; end it in .svg, .png, …"
    And there is no file "plan.gif"

  Scenario: What is neither a file nor a run is told with the next move
    When I run `fsm diagram nothing.yaml`
    Then it exits with 2
    And the error says "there is no file nothing.yaml, and no run is recorded in …; …"

  Scenario: A small machine is drawn in the terminal, its table below
    Given the machine "door" of the specs
    When I run `fsm diagram door.yaml --format text`
    Then it exits with 0
    And it prints, line by line:
      """
      …unlock  ╭─────────╮
      …───────►│ closed  │
      │   ├───►│locked ├────┼───────►│  open   │  │repair
      …break in…
      …►│◉ broken │
      door: 4 states, 7 triggers (1 fact), 10 rows
      unlock   locked          closed  key_fits                  only a key that fits turns
      """
    When I run `fsm diagram door.yaml` on a terminal
    Then it exits with 0
    And it prints "│locked ├"

  Scenario: A run in the terminal
    Given the plan:
      """
      plan:
        id: site
        steps:
          - {id: build, run: "true", rollback: "true"}
          - {id: publish, run: exit 3, depends_on: [build]}
      """
    And I have run `fsm run plan.yaml --yes`
    When I run `fsm diagram {run} --format text`
    Then it exits with 0
    And it prints, line by line:
      """
      site
      run {run}: paused; thick: the critical path, …
      │1 build ├───►│2 publish │
      STEP       AFTER
      1 build           completed, …
      2 publish  1      failed, exit code 3, …
      """

  Scenario: What is too large for the terminal is told, and its table stands alone
    Given a plan of 60 steps, every third of which cannot be undone
    When I run `fsm diagram plan.yaml --format text`
    Then it exits with 0
    And it prints "(60 boxes are too many to draw here, the most is 50; as a picture: -o FILE.svg)"
    And it prints "60 s60"
    Given the plan "ticket" of the specs
    When I run `fsm diagram plan.yaml --view step --format text`
    Then it exits with 0
    And it prints "(it does not fit into 100 columns, or takes too long to lay out; as a picture: -o FILE.svg)"
    And it prints "interrupted…the runner died while it ran"

  Scenario: The timeline of a run, and of the plan by what its runs took
    Given the plan:
      """
      plan:
        id: site
        steps:
          - {id: build, run: "true", rollback: "true"}
          - {id: publish, run: exit 3, depends_on: [build]}
      """
    When I run `fsm diagram plan.yaml --view timeline --format text`
    Then it prints "one at a time; durations are unknown, each step counts alike"
    Given I have run `fsm run plan.yaml --yes`
    And I have run `fsm rollback`
    When I run `fsm diagram {run} --view timeline --format text`
    Then it exits with 0
    And it prints, line by line:
      """
      run {run}: rolled back, began …
      1 build …█…▚…  rolled back, …
      2 publish …▓…  failed, …
      █ completed   ▚ rollback completed   ▓ failed…
      """
    When I run `fsm diagram {run} --view timeline --format mermaid`
    Then it prints "gantt"
    And it prints "rollback completed :b…"
    When I run `fsm diagram {run} --view timeline -o run.png`
    Then the file "run.png" is a PNG
    When I run `fsm diagram {run} --view timeline --format svg`
    Then it prints "id="row-publish""
    And it prints "<title>publish: failed after …</title>"
    When I run `fsm diagram plan.yaml --view timeline --format text`
    Then it exits with 0
    And it prints "by the median of earlier runs, 1 step unknown"
    And it prints "2 publish …duration unknown"

  Scenario: Hostile names stay names
    Given the plan:
      """
      plan:
        id: hostile
        name: "<script>alert(1)</script>"
        steps:
          - {id: end, name: '"]; evil [label="', run: ["true"]}
      """
    When I run `fsm diagram plan.yaml --format svg`
    Then it exits with 0
    And it prints "&lt;script&gt;alert(1)&lt;/script&gt;"
    And it does not print "<script"
    And it prints "1 "]; evil [label=""

  Scenario: Without a program that paints, the error names what to install; text is drawn all the same
    Given the plan "hello" of the specs
    And no program that paints is installed
    When I run `fsm diagram plan.yaml --format png`
    Then it exits with 2
    And the error says "pictures need a program that draws them; pip install 'fsm[pictures]'"
    When I run `fsm diagram plan.yaml --format dot`
    Then it exits with 0
