package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a deployed program tells its mapper to leave alone may be dropped.
func TestDisowned(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ Files, want string }{
		"Prisma": {"-- prisma/schema.prisma --\nmodel A {\n  id Int @id\n  oldRef String? @map(\"old_ref\") @ignore\n  @@map(\"a\")\n}\n", "info"},
		"Prisma, a word of others": {
			"-- prisma/schema.prisma --\nmodel A {\n  id Int @id\n  oldRef String? @map(\"old_ref\") @ignore\n  @@map(\"a\")\n}\n-- a.ts --\n" +
				"await prisma.a.create({ data: { id: 1 } });\nlog({ oldRef: job.oldRef });\n",
			"info",
		},
		"Prisma, and SQL": {
			"-- prisma/schema.prisma --\nmodel A {\n  id Int @id\n  oldRef String? @map(\"old_ref\") @ignore\n  @@map(\"a\")\n}\n-- a.ts --\n" +
				"await prisma.$queryRaw`SELECT old_ref FROM a`;\n",
			"error",
		},
		"a library's script": {"-- static/jquery-3.6.1.js --\nvar a = { old_ref: null };\n-- a.go --\npackage a\n\nvar q = \"SELECT id FROM a\"\n", "info"},
		"used by it":         {"-- prisma/schema.prisma --\nmodel A {\n  id Int @id\n  oldRef String? @map(\"old_ref\")\n  @@map(\"a\")\n}\n", "error"},
		"GORM": {
			"-- a.go --\npackage a\n\ntype A struct {\n\tID int\n\tOldRef string `gorm:\"-\"`\n}\n\nfunc (A) TableName() string { return \"a\" }\n",
			"info",
		},
		"GORM has it": {
			"-- a.go --\npackage a\n\ntype A struct {\n\tID int\n\tOldRef string `gorm:\"-:migration\"`\n}\n\nfunc (A) TableName() string { return \"a\" }\n",
			"error",
		},
		"ActiveRecord": {"-- app/a.rb --\nclass A < ApplicationRecord\n  self.table_name = \"a\"\n  self.ignored_columns += [\"old_ref\"]\nend\n", "info"},
		"in a list": {
			"-- app/a.rb --\nclass A < ApplicationRecord\n  self.table_name = \"a\"\n  self.ignored_columns = %w[\n    # gone\n    other\n    old_ref\n  ]\nend\n",
			"info",
		},
		"behind one": {
			"-- app/a.rb --\nclass A < ApplicationRecord\n  self.table_name = \"a\"\n  self.ignored_columns = [\"x\"]\n  attr_accessor :x,\n    :old_ref\nend\n",
			"error",
		},
		"used as well": {
			"-- app/a.rb --\nclass A < ApplicationRecord\n  self.table_name = \"a\"\n  self.ignored_columns = %w[old_ref]\n" +
				"  scope :old, -> { where.not(old_ref: nil) }\nend\n",
			"warning",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := changelog0(t, Config{Dir: repository(t, "-- m/001_a.sql --\nCREATE TABLE a (id int PRIMARY KEY, old_ref text);\n-- m/002_b.sql --\nSELECT 1;\n"+
				tc.Files,
				"-- m/003_c.sql --\nSET lock_timeout = '1s';\nALTER TABLE a DROP COLUMN old_ref;\nRESET lock_timeout;\n"), Base: "main"})
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.Severity.String()+" "+f.Rule)
			}
			if diff := cmp.Diff([]string{tc.want + " column-drop"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
