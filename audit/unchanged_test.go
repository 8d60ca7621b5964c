package audit

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// An edit that changes no SQL is one of comments only where the file says the same; what
// runs as code is no matter of comments at all.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	const was = "def fill(apps, editor):\n    pass\n\nclass Migration:\n    operations = [AlterField(validators=[a])]\n"
	m := func(framework, text string, opaque ...onward.Opaque) *adapter.Migration {
		return &adapter.Migration{Framework: framework, Source: script.Source{Text: text}, Opaque: opaque}
	}
	code := onward.Opaque{What: "RunPython fill"}
	for name, tc := range map[string]struct {
		old, now *adapter.Migration
		detail   string
		cosmetic bool
	}{
		"a comment":   {m("django", was), m("django", "# x\n"+was), "only comments and white space differ", true},
		"a validator": {m("django", was), m("django", was[:len(was)-4]+", b])]\n"), "its SQL is the same: what differs changes no schema", true},
		"its code":    {m("django", was, code), m("django", "x = 1\n"+was, code), "its SQL is the same, the code that it runs is not", false},
		"no code":     {m("django", was), m("django", "x = 1\n"+was), "its SQL is the same: what differs changes no schema", true},
		"plain SQL":   {m("sql", "SELECT 1;"), m("sql", "SELECT  1;"), "only comments and white space differ", true},
	} {
		if detail, cosmetic := describeDifference(tc.old, tc.now); detail != tc.detail || cosmetic != tc.cosmetic {
			t.Errorf("%s: describeDifference = %q, %v, want %q, %v", name, detail, cosmetic, tc.detail, tc.cosmetic)
		}
	}
}

// An import by another path changes no program; what is called does.
func TestSqueezeProgram(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, old, now string
		same           bool
	}{
		"import moved":        {"m.ts", "import { db } from \"@/db\";\nawait fill(db);\n", "import {\n  db,\n} from '../src/db';\nawait fill(db);\n", true},
		"require moved":       {"m.js", "const { log } = require('log');\nfill();\n", "const log = require(\"./log\").log;\nfill();\n", false},
		"require of a file":   {"m.js", "const log = require('log');\nfill();\n", "const log = require('../log');\nfill();\n", true},
		"Go's block":          {"m.go", "import (\n\t\"a.org/one\"\n)\n\nfunc up() { one.Fill() }\n", "import \"b.org/one\"\n\nfunc up() { one.Fill() }\n", true},
		"Ruby":                {"m.rb", "require 'csv'\nfill\n", "require_relative \"../csv\"\nfill\n", true},
		"a here document":     {"m.rb", "execute <<-SQL.squish\n  SELECT 1\nSQL\n", "execute <<~SQL.squish\n    SELECT 1\nSQL\n", true},
		"a loaded program":    {"m.ts", "const run = await import('./one');\n", "const run = await import('./two');\n", false},
		"import and its call": {"m.ts", "import { one } from './a';\none();\n", "import { two } from './a';\ntwo();\n", false},
	} {
		language := lexer.LanguageOf(tc.path)
		_, oldText := squeezeProgram(tc.old, language)
		_, now := squeezeProgram(tc.now, language)
		if (oldText == now) != tc.same {
			t.Errorf("%s: squeezeProgram = %q and %q, want equal ones: %v", name, oldText, now, tc.same)
		}
	}
}
