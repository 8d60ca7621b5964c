package mentions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/code/mentions"
)

// A name does not count in queries, which have their own facts, nor in comments, messages
// and imports, nor as a word of the language.
func TestMentions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, word, code, want string }{
		{"code", "a.go", "state", "x := row.state\ny := state\n", "1 2"},
		{"texts", "a.go", "state", "cols := []string{\"id\", \"state\"}\n", "1"},
		{"part of a longer name", "a.go", "state", "states, my_state := statement, \"state_of\"\n", ""},
		{"comments", "a.go", "state", "// the state\nx := 1 // state\n/* state\nstate */\n", ""},
		{"comments of Python", "a.py", "state", "# the state\nx = 1 # state\nurl = '#' + state\n", "3"},
		{"a query", "a.go", "state", "q := \"SELECT state FROM orders\"\nr := \"SELECT id, \" +\n\t\"state FROM orders\"\n", ""},
		{"beside a query", "a.go", "state", "q := \"SELECT \" + state + \" FROM orders\"\n", "1"},
		{"a query over lines", "a.ts", "state", "sql`\n  SELECT id\n  FROM orders\n  WHERE state = ${x.state}`\n", ""},
		{"a file of queries", "a.sql", "state", "SELECT state FROM orders;\n", ""},
		{"a message", "a.go", "id", "errors.New(\"must set the schema or change history id as the target\")\n", ""},
		{"a message over lines", "a.py", "state", "x = \"\"\"Tells the state\nof an order, as it was.\n\"\"\"\n", ""},
		{"a name in a message", "a.go", "order_state", "errors.New(\"there is no order_state in the row\")\n", "1"},
		{"a text with signs of SQL", "a.go", "id", "q.Where(\"id = ? AND x = ? AND y\")\n", "1"},
		{"hyphens", "a.ts", "service", "x = \"out-of-service beds\"; y = \"service-list\"; z = a - service\n", "1"},
		{"JSON", "a.go", "tags", "q.Where(\"payload->'property'->'tags' @> $1\")\nq.Where(\"JSON_EXTRACT(payload, '$.property.tags')\")\n", ""},
		{"imports", "a.ts", "state", "import { state } from \"./machine\";\nimport x from './state';\n", ""},
		{"imports of Python", "a.py", "state", "import state\nfrom shop import state, total\n", ""},
		{"imports of Java", "A.java", "state", "package org.shop.state;\nimport org.shop.state.Orders;\n", ""},
		{"imports of Go", "a.go", "zip", "import (\n\t\"archive/zip\"\n)\n", ""},
		{"packages of Go", "a.go", "zip", "zip.NewReader(r)\nvar m map[string][]*zip.File\nu.zip.Valid()\nzip.city = x\n", "3 4"},
		{"words of a language", "a.go", "error", "return nil, error(err)\nx.error\nT{error: 1}\n", "2 3"},
		{"an attribute", "a.rs", "state", "#[column(name = \"state\")]\n", "1"},
		{"a template", "a.hbs", "state", "{{order.state}}\n<!-- state -->\n", "1"},
		{"a mapper's XML", "a.xml", "state", "<result column=\"state\" property=\"state\"/>\n", "1 1"},
		{"not ended", "a.go", "state", "x := \"state", "1"},
	} {
		var got []string
		for _, m := range mentions.CutFile(tt.file, []byte(tt.code)).Mentions([]string{tt.word, tt.word, ""}) {
			got = append(got, fmt.Sprint(m.Line))
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Nested strings are distinguished.
func TestStringsWithin(t *testing.T) {
	t.Parallel()
	const code = "const a = `one ${f('two')} three`, b = 'four';\n"
	s := mentions.CutFile("a.ts", []byte(code))
	for word, want := range map[string]string{"one": "one ${f('two')} three", "two": "two", "three": "one ${f('two')} three", "four": "four", "const": ""} {
		got := ""
		if x, ok := s.String(strings.Index(code, word)); ok {
			got = code[x.From:x.To]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
