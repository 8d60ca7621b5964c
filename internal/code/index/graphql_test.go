package index_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestGraphQLDocuments: a document in the form of a generated API uses the columns that it names, and no other table's.
func TestGraphQLDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, text, users, teams string }{
		"a selection":       {"a.graphql", "query {\n  users(where: {id: {_eq: 1}}) {\n    kind\n  }\n}\n", ":3", ""},
		"an alias":          {"a.graphql", "query Q($id: Int) { users_by_pk(id: $id) {\n sort: kind } }\n", ":2", ""},
		"an alias of it":    {"a.graphql", "query { users_by_pk(id: 1) { kind: name } }\n", "", ""},
		"a condition":       {"a.gql", "query { users(where: {_and: [{\n kind: {_eq: \"x\"}}]}) { id } }\n", ":2", ""},
		"another's":         {"a.gql", "query { users(where: {team: {kind: {_eq: 1}}}) { id team { kind } } }\n", "", ""},
		"an order":          {"a.gql", "query { teams(order_by: [{name: asc},\n {kind: desc}]) { id } }\n", "", ":2"},
		"a count":           {"a.gql", "query { teams_aggregate { aggregate { max {\n kind } } } }\n", "", ":2"},
		"an insert":         {"a.graphql", "mutation { insert_users_one(object: {\n  kind: 1, team: {data: {name: 2}}}) { id } }\n", ":2", ""},
		"an update":         {"a.graphql", "mutation { update_users(where: {}, _set: {\n kind: 1}) { affected_rows } }\n", ":2", ""},
		"a delete":          {"a.graphql", "mutation { delete_users(where: {id: {_eq: 1}}) { returning {\n kind } } }\n", ":2", ""},
		"a fragment":        {"a.graphql", "fragment F on users {\n kind }\nquery { users(order_by: {id: asc}) { ...F } }\n", ":2", ""},
		"a template":        {"src/a.ts", "import { gql } from 'urql'\nconst q = gql`\n  query { users_by_pk(id: 1) {\n    kind } }`\n", ":4", ""},
		"Python":            {"app/a.py", "from gql import gql\nq = gql(\"\"\"\nquery { users_by_pk(id: 1) {\n  kind } }\n\"\"\")\n", ":4", ""},
		"an API of its own": {"a.graphql", "query { users { kind } }\n", "", ""},
		"a schema":          {"schema.graphql", "type users { id: Int kind: String }\ntype Query { users_by_pk(kind: Int): users }\n", "", ""},
		"no document":       {"a.graphql", "query { users(where: {_eq: {{{ ((( \n", "", ""},
	} {
		for table, want := range map[string]string{"users": c.users, "teams": c.teams} {
			if want != "" {
				want = c.path + want
			}
			checkColumn(t, name, map[string]string{c.path: c.text}, catalog.Name{Schema: "public", Name: table}, "kind", want)
		}
	}
}
