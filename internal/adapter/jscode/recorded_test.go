package jscode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

// TestNamelessCall: the child's answer is not trusted. A call without a name is listed as not judged.
func TestNamelessCall(t *testing.T) {
	t.Parallel()
	translate := func(call Value) Translation { return Translation{Why: "it is " + call.Links[0].Name} }
	up := readResult(translate, jsrun.Result{Calls: []jsrun.Call{{Value: jsrun.Value{Kind: jsrun.Chain}}, {Value: jsrun.Value{Kind: "other"}}}}, "")
	if len(up.Unread) != 1 || up.Unread[0] != (Unread{Line: 1, Column: 1, Call: "up", Why: "its SQL is known only when it runs"}) {
		t.Errorf("unread calls %+v, want one of up in line 1, column 1", up.Unread)
	}
}

// TestPlaces: a statement has the offset of its text in quotes, from the line of its call on; each text is the one of one call.
func TestPlaces(t *testing.T) {
	t.Parallel()
	const program = "const sql = `\n  SELECT 1\n`\n// 'SELECT 3' SELECT 2\nq.query('SELECT 2')\nq.query('SELECT 2'); q.query(sql)\n" +
		"q.query(\"SELECT 3\")\nq.query('SELECT 3')\n"
	translate := func(call Value) Translation {
		return Translation{Statements: []Statement{{Text: call.Links[0].Arguments[0]}}}
	}
	var calls []jsrun.Call
	add := func(line, column int, text string) {
		calls = append(calls, jsrun.Call{
			Place: jsrun.Place{Line: line, Column: column},
			Value: jsrun.Value{Kind: Chain, Links: []Link{{Name: "query", Called: true, Arguments: []Value{{Kind: Text, Text: text}}}}},
		})
	}
	add(5, 1, "SELECT 2")
	add(6, 1, "SELECT 2")
	add(6, 22, "\n  SELECT 1\n")
	add(8, 1, "SELECT 3")
	add(8, 1, "SELECT 3") // the call of a loop
	add(7, 1, "SELECT 4")
	var got []int
	for _, p := range readResult(translate, jsrun.Result{Calls: calls}, program).Parts {
		got = append(got, p.Start, p.Line)
	}
	if diff := cmp.Diff([]int{59, 5, 79, 6, -1, 6, 133, 8, -1, 8, -1, 7}, got); diff != "" {
		t.Errorf("offsets of the texts and lines of the calls (-want +got):\n%s", diff)
	}
}

// TestFindBody: the body of the function "up" is found if there is one only, and if it can await.
func TestFindBody(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"class A {\n  public async up(q: QueryRunner): Promise<void> {| a }\n async down(q) { up(q) {} } }": "q",
		"exports.up = async function (k) {| }\nexports.down = async (k) => { }":                             "k",
		"exports.up = async function up(k) {| }":                                                            "k",
		"export async function up(k: Knex): Promise<any> {| }":                                              "k",
		"export const up: Migration<A | B> = async ({ context: q }) => {| }":                                "q",
		"module.exports = { up: async q => {| }, async down(q) { } }":                                       "q",
		"module.exports = { async up({ q }, S) {| } }":                                                      "q",
		"class A { override async up(): Promise<void> {| } }":                                               "",
		"// async up(k) {\n'async up(k) {'\nexports.up = async (k, S) => {| }":                              "k",
		"exports.up = async ({ q, r }) => {| }":                                                             "",
		"exports.up = (k) => { }":                                                                           "none",
		"exports.up = async (k) => k.raw('a')":                                                              "none",
		"async function up(a) { }\nclass B { async up(b) { } }":                                             "none",
	} {
		before, after, found := cut(program)
		body, parameter := findBody(before + after)
		if !found && body > 0 || found && (body != len(before) || parameter != want) {
			t.Errorf("findBody(%q) = %d, %q, want %d, %q", program, body, parameter, len(before), want)
		}
	}
}

// cut cuts a program at the mark of the body.
func cut(program string) (before, after string, found bool) {
	if i := strings.Index(program, "{|"); i >= 0 {
		return program[:i+1], program[i+2:], true
	}
	return program, "", false
}
