package view

import "testing"

func TestShortName(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"db/migrations/00042_name.sql":          "00042_name.sql",
		"migrations/2026-05-27-120000_a/up.sql": "2026-05-27-120000_a/up.sql",
		"prisma/migrations/1_a/migration.sql":   "1_a/migration.sql",
		"wger/weight/migrations/0005_uuid.py":   "weight/0005_uuid.py",
		"migrations/0005_uuid.py":               "0005_uuid.py",
		"up.sql":                                "up.sql",
		"":                                      "",
	} {
		if got := ShortName(file); got != want {
			t.Errorf("ShortName(%q) = %q, want %q", file, got, want)
		}
	}
}
