package jscode

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// ended matches a call with a text that a ';' ends.
var ended = lazyregexp.New("[`'\"]\\);")

// PutFirst puts a statement before all others of a migration, if the function "up" can await it.
func (a Adapter) PutFirst(_ adapter.Tree, m *adapter.Migration, sql string) string {
	text := m.Source.Text
	body, parameter := findBody(text)
	if a.Call == nil || body == 0 {
		return ""
	}
	call := a.Call(parameter)
	if call == "" {
		return ""
	}
	rest := text[body:]
	space := rest[:len(rest)-len(strings.TrimLeft(rest, " \t\r\n"))]
	end, indent := "", space[strings.LastIndexByte(space, '\n')+1:]
	if ended.MatchString(rest) { // the style of the program
		end = ";"
	}
	if !strings.Contains(space, "\n") {
		rest = "\n" + rest
	}
	return text[:body] + "\n" + indent + call + QuoteTemplate(sql) + ")" + end + rest
}

// CallParameter returns what precedes a text in a call of a method of the first parameter of "up".
func CallParameter(method string) func(parameter string) string {
	return func(parameter string) string {
		if parameter == "" {
			return ""
		}
		return "await " + parameter + method
	}
}

// asyncUp matches the beginning of a function "up" that can await, up to its body, with its parameters in a group: async up(q) {,
// up = async (q) => {, up: async function (q) {, up = async q => {.
var asyncUp = lazyregexp.New(`\basync\s+(?:function\s+)?up\s*\(([^()]*)\)\s*(?::[^{};=]*)?\{` +
	`|\bup\b(?:\s*:[^=;{}()]*=|\s*[=:])\s*async\b\s*(?:function\b\s*[\w$]*\s*)?(?:\(([^()]*)\)\s*(?::[^{};=]*)?|([\w$]+)\s*)(?:=>\s*)?\{`)

// onlyName matches a first parameter that is one name, or a pattern of one: q, q: Knex, { context: q }.
var onlyName = lazyregexp.New(`^\s*(?:\{\s*(?:[\w$]+\s*:\s*)?([\w$]+)\s*\}|([\w$]+))\s*(?:[,:]|$)`)

// findBody returns the offset of the body of the only function "up" that can await, and its first parameter; "" for none with a
// name. The offset is 0 if there is no such function, or if there are several.
func findBody(text string) (body int, parameter string) {
	code := []byte(text)
	cut, comments := lexer.CutStrings(code, lexer.LanguageOf("up.ts"))
	for _, s := range cut {
		comments = append(comments, lexer.Span{From: s.Open, To: s.End})
	}
	for _, s := range comments {
		for i := s.From; i < min(s.To, len(code)); i++ {
			code[i] = ' '
		}
	}
	found := asyncUp.FindAllSubmatchIndex(code, 2)
	if len(found) != 1 {
		return 0, ""
	}
	for _, group := range [...]int{2, 4, 6} {
		if from := found[0][group]; from >= 0 {
			if m := onlyName.FindSubmatch(code[from:found[0][group+1]]); m != nil {
				parameter = string(m[1]) + string(m[2])
			}
		}
	}
	return found[0][1], parameter
}
