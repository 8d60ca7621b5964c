package umzug

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// context is the object that a program gives to its migrations: new Umzug({ context: pool, … }) gives them pool.
type context struct {
	// world is the tool whose object it is: "knex", "sequelize", or "client" for a client of the database.
	world string
	// form is a part of that world, or the names of several parts in an object: connection, sequelize, library; "" for others.
	form any
}

// anyContext is a context that the program does not show.
var anyContext = context{"client", "connection"}

var (
	contextSetting = lazyregexp.New(`\bcontext\s*:\s*`)
	asFunction     = lazyregexp.New(`^(?:async\s+)?(?:\(\s*\)\s*=>|function\s*\w*\(\s*\))\s*`)
	returns        = lazyregexp.New(`\breturn\b`)
	fieldName      = lazyregexp.New(`^['"]?(\w+)['"]?\s*(?::\s*([\s\S]+))?$`)
	ofSequelize    = lazyregexp.New(`(?:^|[.\s(])sequelize(?:\W|$)|\bnew\s+Sequelize\b`)
	ofLibrary      = lazyregexp.New(`\b(?:Sequelize|DataTypes)\b`)
	ofClient       = lazyregexp.New(`(?i)client|pool|conn|\bdb|database|sql|\bpg|postgres|quer`)
)

// readContext returns the context in the options of umzug.
func readContext(text string) context {
	if m := starts.FindStringIndex(text); m != nil && contextSetting.MatchString(text[m[0]:]) {
		text = text[m[0]:]
	}
	m := contextSetting.FindStringIndex(text)
	if m == nil {
		return anyContext
	}
	value := strings.TrimSpace(splitExpressions(text[m[1]:])[0])
	if f := asFunction.FindString(value); f != "" { // umzug calls it
		value = strings.TrimSpace(value[len(f):])
		if strings.HasPrefix(value, "{") {
			found := returns.FindAllStringIndex(value, -1)
			if len(found) == 0 {
				return anyContext
			}
			value, _, _ = strings.Cut(splitExpressions(value[found[len(found)-1][1]:])[0], ";")
		}
	}
	value = strings.TrimSpace(value)
	for strings.HasPrefix(value, "(") && strings.HasSuffix(value, ")") {
		value = strings.TrimSpace(value[1 : len(value)-1])
	}
	if !strings.HasPrefix(value, "{") {
		world, part := classifyContext(value)
		if world == "" {
			return anyContext
		}
		return context{world, part}
	}
	return readFields(value)
}

// readFields returns a context that is an object with several parts.
func readFields(object string) context {
	worlds, parts := map[string]string{}, map[string]string{}
	out := context{world: "client"}
	for _, field := range splitExpressions(object[1:]) {
		m := fieldName.FindStringSubmatch(strings.TrimSpace(field))
		if m == nil {
			continue
		}
		if m[2] == "" {
			m[2] = m[1]
		}
		worlds[m[1]], parts[m[1]] = classifyContext(m[2])
		if worlds[m[1]] == "" && ofClient.MatchString(m[1]+" "+m[2]) {
			worlds[m[1]], parts[m[1]] = "client", "connection"
		}
		if w := worlds[m[1]]; w == "sequelize" || w == "knex" && out.world == "client" {
			out.world = w
		}
	}
	for name, world := range worlds {
		if world != out.world && parts[name] != "library" {
			parts[name] = "" // another connection
		}
	}
	out.form = parts
	return out
}

// classifyContext returns which part of a world an expression is, by its words; "" for neither.
func classifyContext(expression string) (world, part string) {
	switch {
	case strings.Contains(expression, "ueryInterface"):
		return "sequelize", "connection"
	case ofSequelize.MatchString(expression):
		return "sequelize", "sequelize"
	case ofLibrary.MatchString(expression):
		return "", "library"
	case strings.Contains(strings.ToLower(expression), "knex"):
		return "knex", "connection"
	}
	return "", ""
}

// splitExpressions splits a text at the commas that no brackets hold, up to the bracket that ends it.
func splitExpressions(text string) (out []string) {
	f := source.NewFile("program.ts", []byte(text))
	f.Strings, f.Comments = lexer.CutStrings(f.Text, f.Language)
	depth, from, end := 0, 0, len(text)
	f.EachCode(0, end, func(i int) bool {
		switch c := text[i]; {
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case c != ',' && depth == 0:
			end = i
			return false
		case c != ',':
			depth--
		case depth == 0:
			out = append(out, text[from:i])
			from = i + 1
		}
		return true
	}, func(lexer.String) bool { return true })
	return append(out, text[from:end])
}
