Feature: Waiting until something is ready
  The skill `wait-for` goes on as soon as a server, a file or a command is ready, and fails if it is not in time.

  Scenario: A file is waited for, and the run goes on when it is there
    Given the approved plan:
      """
      plan:
        id: wait
        steps:
          - {id: ready, skill: wait-for, action: file, params: {path: ready, interval: 10ms}}
          - {id: go, depends_on: ready, run: echo go >> happened}
      """
    When I start `fsm run plan.yaml`
    And the journal says "ready started"
    And I make the file "ready"
    And it ends
    Then it exits with 0
    And what happened is "go"

  Scenario: A server is waited for, by its port and by what it answers
    Given a web server that answers:
      """
      503 starting
      404 starting
      200 up
      """
    And the plan:
      """
      plan:
        id: up
        params: {site: "", port: 0}
        steps:
          - {id: port, skill: wait-for, action: port, params: {port: "{{ params.port }}", host: 127.0.0.1}}
          - id: up
            depends_on: port
            skill: wait-for
            action: url
            params: {url: "{{ params.site }}/healthy", interval: 10ms}
      """
    When I run `fsm run plan.yaml --yes -p site={site} -p port={site port}`
    Then it exits with 0
    And the web server was asked for "GET /healthy, GET /healthy, GET /healthy"
    When I run `fsm log --step up`
    Then it prints, line by line:
      """
      [fsm] not yet: GET …/healthy gives 503
      [fsm] not yet: GET …/healthy gives 404
      """

  Scenario: What does not come in time pauses the run, with the last reason
    Given the plan:
      """
      plan:
        id: late
        steps:
          - id: wait
            skill: wait-for
            action: command
            params: {command: [sh, -c, "echo still starting; exit 3"], timeout: 300ms}
      """
    When I run `fsm run plan.yaml --yes`
    Then it exits with 3
    And it prints "✗ Step 1: wait - failed: it is not so after 300ms: `sh` exits with 3: still starting"

  Scenario: A wait that is interrupted twice ends at once
    Given the approved plan:
      """
      plan:
        id: wait
        steps:
          - {id: ready, skill: wait-for, action: command, params: {command: [sh, -c, "touch began; sleep 3600"], timeout: 2h}}
      """
    When I start `fsm run plan.yaml`
    And the file "began" has come
    And its runner gets SIGTERM
    And it has noticed
    And its runner gets SIGTERM again
    And it ends
    Then it exits with 130
    And the run is "paused"

  Scenario: A wait whose runner died is simply begun again
    Given the approved plan:
      """
      plan:
        id: wait
        steps:
          - {id: ready, skill: wait-for, action: file, params: {path: ready, timeout: 1h}}
      """
    When I start `fsm run plan.yaml`
    And the journal says "ready started"
    And its runner is killed by kill -9
    And I make the file "ready"
    And I run `fsm resume`
    Then it exits with 0

  Scenario: A plan shows that a wait changes nothing, and validation does not wait
    Given the plan:
      """
      plan:
        id: wait
        steps:
          - {id: ready, skill: wait-for, action: file, params: {path: ready, timeout: 1h}}
          - {id: port, skill: wait-for, action: port, params: {port: 1, timeout: 1h}}
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 0
    And it does not print "cannot be undone"
    When I run `fsm validate plan.yaml`
    Then it exits with 0
