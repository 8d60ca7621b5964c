package report

import "testing"

func TestBroken(t *testing.T) {
	t.Parallel()
	p := &page{}
	p.width = 20
	for name, want := range map[string]string{
		"db/001.sql":                        "db/001.sql",
		"db/nineteen__01.sql":               "db/\nnineteen__01.sql",
		"db/migrations/0001_add-user-x.sql": "db/migrations/\n0001_add-user-x.sql",
		"0001_a_very_long_name_of_all.sql":  "0001_a_very_long_name_of_all.sql",
		"a_directory_wider_than_all/1.sql":  "a_directory_wider_than_all/1.sql",
	} {
		if got := p.broken(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
