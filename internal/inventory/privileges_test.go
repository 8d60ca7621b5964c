package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A change on one relation is made on the other one, unless that has it already, or it is the owner's or a migration's.
func TestPrivilegeStatements(t *testing.T) {
	t.Parallel()
	table := func(columns []string, privileges ...string) Inventory {
		inv := Inventory{{Kind: "kind", Definition: "r"}, {Kind: "owner", Definition: "boss"}}
		for _, c := range columns {
			inv = append(inv, Entry{Kind: "column", Name: c, Columns: []string{c}, Definition: "text"})
		}
		for i := 0; i < len(privileges); i += 2 {
			e := Entry{Kind: "privilege", Name: privileges[i], Definition: privileges[i+1]}
			if privilege, _ := splitPrivilege(e.Name); privilege == "SELECT (note)" {
				e.Columns = []string{"note"}
			}
			inv = append(inv, e)
		}
		return inv
	}
	const by, option = "by boss", "by boss WITH GRANT OPTION"
	note := []string{"note"}
	for _, c := range []struct {
		name                string
		before, now, target Inventory
		want                []string
	}{
		{"nothing changed", table(note, "SELECT to a", by), table(note, "SELECT to a", by), table(note, "INSERT to b", by), nil},
		{"given", table(note), table(note, "SELECT to a", option), table(note), []string{"GRANT SELECT ON TABLE s.t TO a WITH GRANT OPTION"}},
		{"given on a column", table(note), table(note, "SELECT (note) to a", by), table(note), []string{"GRANT SELECT (note) ON TABLE s.t TO a"}},
		{"given on a column that the other one lacks", table(note), table(note, "SELECT (note) to a", by), table(nil), nil},
		{"given on both", table(note), table(note, "SELECT to a", by), table(note, "SELECT to a", option), nil},
		{
			"an option given", table(note, "SELECT to a", by), table(note, "SELECT to a", option), table(note, "SELECT to a", by),
			[]string{"GRANT SELECT ON TABLE s.t TO a WITH GRANT OPTION"},
		},
		{
			"taken", table(note, "SELECT to PUBLIC", by), table(note), table(note, "SELECT to PUBLIC", by),
			[]string{"REVOKE SELECT ON TABLE s.t FROM PUBLIC"},
		},
		{"taken on both", table(note, "SELECT to a", by), table(note), table(note), nil},
		{
			"an option taken", table(note, "SELECT to a", option), table(note, "SELECT to a", by), table(note, "SELECT to a", option),
			[]string{"REVOKE GRANT OPTION FOR SELECT ON TABLE s.t FROM a"},
		},
		{"of the owner", table(note, "SELECT to boss", by), table(note), table(note, "SELECT to boss", by), nil},
		{"of a child", table(note), table(note, "SELECT to a of public.child", by), table(note), nil},
		{"on a sequence", table(note), table(note, "USAGE on sequence t_id_seq to a", by), table(note), nil},
		{"set by the migration", table(note, "DELETE to a", by), table(note), table(note, "DELETE to a", by), nil},
		{"the relation is gone", table(note, "SELECT to a", by), nil, table(note, "SELECT to a", by), nil},
	} {
		if diff := cmp.Diff(c.want, PrivilegeStatements("s.t", c.before, c.now, c.target, []string{"delete to a"})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, diff)
		}
	}
}
