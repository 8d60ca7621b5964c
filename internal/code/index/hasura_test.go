package index_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestHasuraMetadata: each place of the metadata that names a column of a tracked table uses it, and no other table's.
func TestHasuraMetadata(t *testing.T) {
	t.Parallel()
	const (
		own   = "metadata/databases/default/tables/public_users.yaml"
		users = "table:\n  name: users\n  schema: public\n"
	)
	for name, c := range map[string]struct{ path, text, users, teams string }{
		"a permission to read": {
			own, users + "select_permissions:\n  - role: guest\n    permission:\n      columns:\n        - id\n        - kind\n      filter: {}\n", ":9", "",
		},
		"in flow style":       {own, "table: {name: users, schema: public}\nselect_permissions: [{role: a, permission: {columns: [id, kind]}}]\n", ":2", ""},
		"a permission to add": {own, users + "insert_permissions:\n  - role: a\n    permission:\n      check: {}\n      columns: [kind]\n", ":8", ""},
		"a preset": {own, users +
			"update_permissions:\n  - role: a\n    permission:\n      columns: []\n      set:\n        kind: x\n", ":9", ""},
		"a condition": {own, users +
			"delete_permissions:\n  - role: a\n    permission:\n      filter:\n        _and:\n          - kind: {_eq: x}\n", ":9", ""},
		"a column's name": {own, users + "configuration:\n  column_config:\n    kind:\n      custom_name: sort\n", ":6", ""},
		"a list of tables": {"metadata/tables.yml", "- table: {schema: public, name: teams}\n" +
			"  object_relationships:\n    - name: k\n      using:\n        foreign_key_constraint_on: kind\n", "", ":5"},
		"another table's key": {own, users + "array_relationships:\n  - name: teams\n" +
			"    using:\n      foreign_key_constraint_on:\n        column: kind\n        table: {name: teams, schema: public}\n", "", ":8"},
		"a manual join": {own, users + "object_relationships:\n  - name: t\n" +
			"    using:\n      manual_configuration:\n        column_mapping:\n          kind: other\n        remote_table: teams\n", ":9", ""},
		"an exported document": {"hasura/metadata.json", "{\"version\": 3, \"sources\": [{\"tables\": [{\"table\": {\"name\": \"users\", \"schema\": \"public\"},\n" +
			"\"select_permissions\": [{\"permission\": {\"columns\": [\"kind\"]}}]}]}]}\n", ":2", ""},
		"a relationship":   {own, users + "select_permissions:\n  - permission:\n      filter:\n        kind:\n          label: {_eq: x}\n", "", ""},
		"all columns":      {own, users + "select_permissions:\n  - permission:\n      columns: '*'\n      filter: {}\n", "", ""},
		"another schema":   {own, "table: {name: users, schema: crm}\nselect_permissions: [{permission: {columns: [kind]}}]\n", "", ""},
		"a custom name":    {own, users + "configuration:\n  column_config:\n    name: {custom_name: kind}\n", "", ""},
		"another file":     {"config/tables/users.yaml", users + "select_permissions:\n  - permission: {columns: [kind]}\n", "", ""},
		"another document": {"app/metadata.json", "{\"table\": \"users\", \"select_permissions\": [{\"permission\": {\"columns\": [\"kind\"]}}]}\n", "", ""},
		"no YAML":          {own, users + "select_permissions: [}\n kind", "", ""},
		"an include":       {"metadata/databases/default/tables/tables.yaml", "- \"!include public_users.yaml\"\n", "", ""},
	} {
		for table, want := range map[string]string{"users": c.users, "teams": c.teams} {
			if want != "" {
				want = c.path + want
			}
			checkColumn(t, name, map[string]string{c.path: c.text}, catalog.Name{Schema: "public", Name: table}, "kind", want)
		}
	}
}
