Feature: Requests to servers
  The skill `http` asks servers and takes values out of what they answer. It reaches public addresses only,
  unless a step says otherwise; what it sends is never told.

  Scenario: What a server answers is used by the steps after it, with its type
    Given a web server that answers:
      """
      200 {"tickets": [{"id": 7, "title": "Mend it"}]}
      503 Retry-After: 0
      201 Location: /tickets/7/notes/1
      """
    And the plan:
      """
      plan:
        id: tickets
        params: {site: ""}
        steps:
          - id: find
            skill: http
            action: get
            params:
              url: "{{ params.site }}/tickets"
              query: {state: open}
              extract: {id: tickets.0.id, title: /tickets/0/title}
              network: private
          - id: note
            depends_on: find
            skill: http
            action: request
            params:
              method: PUT
              url: "{{ params.site }}/tickets/{{ steps.find.outputs.id }}/notes"
              json: {ticket: "{{ steps.find.outputs.id }}", text: "about {{ steps.find.outputs.title }}"}
              expect: 201
              extract: {place: "header:Location"}
              network: private
          - {id: say, depends_on: note, run: [sh, -c, 'echo "$1" > said', sh, "{{ steps.note.outputs.place }}"]}
      """
    When I run `fsm run plan.yaml --yes -p site={site}`
    Then it exits with 0
    And the web server was asked for "GET /tickets, PUT /tickets/7/notes, PUT /tickets/7/notes"
    And it was sent the body {"ticket": 7, "text": "about Mend it"}
    And the file "said" reads "/tickets/7/notes/1"
    When I run `fsm log --step note`
    Then it prints "PUT …/tickets/7/notes: 503, 0 bytes"
    And it prints "again in 0s"

  Scenario: Another status than the expected one pauses the run, and says what the server said
    Given a web server that answers:
      """
      409 there is one already
      204
      """
    And the plan:
      """
      plan:
        id: create
        params: {site: ""}
        steps:
          - id: create
            skill: http
            action: request
            params: {method: POST, url: "{{ params.site }}/things", json: {a: 1}, network: private}
            rollback:
              on: started
              action: request
              params: {method: DELETE, url: "{{ params.site }}/things/a", network: private}
      """
    When I run `fsm run plan.yaml --yes -p site={site}`
    Then it exits with 3
    And it prints "✗ Step 1: create - failed: POST …/things gave 409, not 2xx: there is one already"
    When I run `fsm rollback`
    Then it exits with 4
    And the web server was asked for "POST /things, DELETE /things/a"

  Scenario: Validation connects to the server and sends nothing
    Given a web server that answers:
      """
      200
      """
    And the plan:
      """
      plan:
        id: look
        params: {site: ""}
        steps:
          - {id: look, skill: http, action: get, params: {url: "{{ params.site }}", network: private}}
      """
    When I run `fsm validate plan.yaml -p site={site}`
    Then it exits with 0
    And the web server was asked for nothing
    When I run `fsm validate plan.yaml -p site=http://127.0.0.1:1`
    Then it exits with 2
    And it prints "step `look`…cannot connect to 127.0.0.1:1: Connection refused"

  Scenario Outline: <url> is not reached unless the step says so
    Given the plan:
      """
      plan:
        id: reach
        params: {site: ""}
        steps: [{id: reach, skill: http, action: get, params: {url: "{{ params.site }}"}}]
      """
    When I run `fsm run plan.yaml --yes -p site=<url>`
    Then it exits with 2
    And the error says "<kind> address, which is refused; if it is meant, allow it with `network: <network>`"

    Examples:
      | url                                      | kind                     | network |
      | http://127.0.0.1:1/                      | a private                | private |
      | http://2130706433/                       | a private                | private |
      | http://[::ffff:10.0.0.1]/                | a private                | private |
      | http://169.254.169.254/latest/meta-data/ | a link-local or metadata | any     |

  Scenario: A redirect to where credentials are given out is not followed
    Given a web server that answers:
      """
      302 Location: http://169.254.169.254/latest/meta-data/
      """
    And the plan:
      """
      plan:
        id: redirected
        params: {site: ""}
        steps: [{id: look, skill: http, action: get, params: {url: "{{ params.site }}/x", network: private}}]
      """
    When I run `fsm run plan.yaml --yes -p site={site}`
    Then it exits with 3
    And it prints "`169.254.169.254` is a link-local or metadata address, which is refused"

  Scenario: A secret is sent as a header and stands nowhere else, even if the server repeats it
    Given the environment has API_TOKEN=canary-7f3a9c51e2
    And a web server that answers:
      """
      403 not allowed for canary-7f3a9c51e2
      """
    And the plan:
      """
      plan:
        id: secret
        params: {site: ""}
        secrets: [API_TOKEN]
        steps:
          - id: ask
            skill: http
            action: get
            params:
              url: "{{ params.site }}/mine"
              headers: {Authorization: "Bearer {{ secrets.API_TOKEN }}"}
              network: private
      """
    When I run `fsm run plan.yaml --yes -p site={site}`
    Then it exits with 3
    And it was sent the header "Authorization: Bearer canary-7f3a9c51e2"
    And it prints "gave 403, not 2xx: not allowed for ***"
    And nothing that was printed holds "canary-7f3a9c51e2"
    And no file of the state holds "canary-7f3a9c51e2"

  Scenario: What cannot be sent is found while the plan is read, with its place
    Given the plan:
      """
      plan:
        id: wrong
        steps:
          - id: ask
            skill: http
            action: request
            params:
              method: FETCH
              url: ftp://example.org/
              headers: {Host: elsewhere}
              expect: ok
              timeout: soon
      """
    When I run `fsm plan plan.yaml`
    Then it exits with 2
    And the error says, line by line:
      """
      error: plan.yaml:8:9  … must be `GET` or `HEAD` or `OPTIONS` or `POST` or `PUT` or `PATCH` or `DELETE`
      plan.yaml:9:9  … must be a URL of the form https://HOST/PATH
      plan.yaml:10:9  … has `Host`, which is set for each request and cannot be given
      plan.yaml:11:9  … must be a status such as 200, a range such as `2xx`, or a list of these
      plan.yaml:12:9  … must be a duration such as `30s` or `2m`
      """
