package queries

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// callees are the functions of query builders and mappers whose argument is a table's
// name, and what they do with the table.
var callees = indexCallees(map[facts.How]string{
	facts.Reads:     `from table join innerjoin leftjoin rightjoin fulljoin selectfrom knex db trx tx leftouterjoin crossjoin select_from`,
	facts.Inserts:   `insert insertinto into batchinsert replace replaceinto insert_into`,
	facts.Updates:   `update updatetable`,
	facts.Deletes:   `delete deletefrom del delete_from`,
	facts.Truncates: `truncate`,
	facts.Copies:    `copy_from copyfrom copyin identifier`,
	facts.Exports:   `copy_to`,
})

func indexCallees(words map[facts.How]string) map[string]facts.How {
	out := map[string]facts.How{}
	for access, list := range words {
		for w := range strings.FieldsSeq(list) {
			out[w] = access
		}
	}
	return out
}

// RecordMapperCall records a string that is a table's name in a mapper's call.
func RecordMapperCall(r *source.File, l lexer.String) {
	before := r.Text[max(0, l.Open-64):l.Open]
	before = bytes.TrimRight(before, " \t\r\n")
	if open := bytes.LastIndexByte(before, '('); open >= 0 && isSingleArgument(before[open+1:]) {
		if callee, _ := source.LastWord(before[:open]); callee == "copy_from" || callee == "copy_to" {
			before = before[:open+1] // psycopg: copy_from(file, "users")
		}
	}
	if len(before) == 0 || before[len(before)-1] != '(' && before[len(before)-1] != '{' && before[len(before)-1] != '[' && before[len(before)-1] != ' ' {
		if callee, ok := source.LastWord(before); !ok || callee != "in" || r.Language != lexer.Elixir {
			return // from(u in "users")
		}
	}
	for len(before) > 0 && strings.IndexByte("([{", before[len(before)-1]) >= 0 {
		before = bytes.TrimRight(before[:len(before)-1], " \t\r\n")
	}
	if n := bytes.LastIndexByte(before, '<'); n >= 0 && bytes.HasSuffix(before, []byte(">")) {
		before = before[:n] // knex<User>(
	}
	callee, _ := source.LastWord(before)
	head := before[:len(before)-len(callee)]
	if callee == "in" {
		callee = "from"
	}
	if callee == "Table" && path.Ext(r.Path) == ".py" {
		return // a declaration, which package python reads
	}
	if callee == "table" && r.DeclaresSchemas() {
		return // package javascript reads it, with its schema
	}
	access, known := callees[strings.ToLower(callee)]
	name := string(r.Text[l.From:l.To])
	if !known || lexer.NameLength([]byte(strings.ReplaceAll(name, ".", "_"))) < len(strings.Fields(name + " ")[0]) {
		return
	}
	if chainBegins[strings.ToLower(callee)] {
		access = findChainWrite(r, head, l.End)
	}
	c := facts.Call{Table: strings.Fields(name)[0], Line: r.LineAt(l.From), How: access}
	source.RecordNames(&c, r, r.FindCallStart(l.Open), l.Open)
	source.RecordNames(&c, r, l.End, r.FindCallEnd(l.End))
	r.Facts.Calls = append(r.Facts.Calls, c)
}

// isSingleArgument reports whether a text is one argument, and its comma.
func isSingleArgument(text []byte) bool {
	arg, comma := bytes.CutSuffix(text, []byte(","))
	return comma && !bytes.ContainsAny(arg, "(),;\"'`")
}

// maxChain bounds the length of a chain of calls that is followed.
const maxChain = 16 << 10

// chainBegins are the callees whose table the rest of a chain of calls writes: knex("users").where(…).delete().
var chainBegins = newWordSet("knex", "db", "trx", "tx", "from", "table")

// chainWrites are methods that write rows of the table with which their chain begins.
var chainWrites = indexCallees(map[facts.How]string{
	facts.Inserts:   `insert insertgetid insertorignore upsert updateorinsert`,
	facts.Updates:   `update increment decrement incrementeach decrementeach`,
	facts.Deletes:   `delete del`,
	facts.Truncates: `truncate`,
})

// findChainWrite returns what a chain of calls does with the table that an argument of its first call names. The argument ends at
// argumentEnd, and before is the text up to the call's name. Without a method that writes it returns facts.Reads.
func findChainWrite(r *source.File, before []byte, argumentEnd int) facts.How {
	if isAfterDelete(before) {
		return facts.Deletes
	}
	to := min(len(r.Text), argumentEnd+maxChain)
	i := r.FindClosing(argumentEnd, to) + 1
	for i < to {
		i = skipBlank(r, i, to)
		rest := r.Text[i:to]
		switch {
		case bytes.HasPrefix(rest, []byte("->")), bytes.HasPrefix(rest, []byte("?.")):
			i += 2
		case bytes.HasPrefix(rest, []byte(".")):
			i++
		default:
			return facts.Reads
		}
		i = skipBlank(r, i, to)
		n := lexer.NameLength(r.Text[i:to])
		name := strings.ToLower(string(r.Text[i : i+n]))
		i += n
		if generic := bytes.IndexByte(r.Text[i:to], '('); generic > 0 && r.Text[i] == '<' {
			i += generic
		}
		if n == 0 || i >= to || r.Text[i] != '(' {
			return facts.Reads
		}
		if access, writes := chainWrites[name]; writes {
			return access
		}
		i = r.FindClosing(i+1, to) + 1
	}
	return facts.Reads
}

// isAfterDelete reports whether a text ends with delete(). or del().: knex.delete().from("users").
func isAfterDelete(before []byte) bool {
	text, dotted := bytes.CutSuffix(bytes.TrimSpace(before), []byte("."))
	text, called := bytes.CutSuffix(bytes.TrimSpace(text), []byte("()"))
	name, _ := source.LastWord(text)
	return dotted && called && chainWrites[strings.ToLower(name)] == facts.Deletes
}

// skipBlank returns the offset after white space and comments.
func skipBlank(r *source.File, i, to int) int {
	for i < to && (strings.IndexByte(" \t\r\n", r.Text[i]) >= 0 || lexer.IsInSpans(r.Comments, i)) {
		i++
	}
	return i
}

// maxConstants bounds how many constants of a file are recorded.
const maxConstants = 2000

// RecordConstant records a constant that other files may use.
func RecordConstant(r *source.File, l lexer.String) {
	text := r.Text[l.From:l.To]
	if l.Symbol || len(r.Facts.Constants) == maxConstants || !source.TableText.Match(text) {
		return
	}
	if holder := r.FindHolder(l); holder != "" {
		r.Facts.Constants = append(r.Facts.Constants, facts.ConstantText{Name: holder[strings.LastIndexByte(holder, '.')+1:], Text: string(text)})
	}
}

// RecordConstantCalls records the calls whose table is a constant.
func RecordConstantCalls(r *source.File) {
	for offset := 0; ; offset++ {
		n := bytes.IndexByte(r.Text[offset:], '(')
		if n < 0 {
			return
		}
		offset += n
		callee, _ := source.LastWord(r.Text[max(0, offset-maxCallee):offset])
		before := r.Text[max(0, offset-len(callee)-maxCallee) : offset-len(callee)] // the point may be on the line above
		if callee == "" || !bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(".")) {
			continue
		}
		access, known := callees[strings.ToLower(callee)]
		if !known {
			continue
		}
		if from, to := argumentNameRange(r.Text, offset+1); to > 0 && !lexer.IsInSpans(r.Comments, offset) && !r.IsInString(offset) {
			recordConstantCall(r, from, to, access)
		}
	}
}

// maxCallee is longer than the name of any callee.
const maxCallee = 20

// argumentNameRange returns the range of a call's first argument if it is a plain name; to is 0 if it is not.
func argumentNameRange(text []byte, from int) (int, int) {
	for from < len(text) && strings.IndexByte(" \t\r\n", text[from]) >= 0 {
		from++
	}
	to := from
	for to < len(text) && (lexer.NameByte[text[to]] || text[to] == '.') {
		to++
	}
	end := to
	for end < len(text) && strings.IndexByte(" \t\r\n", text[end]) >= 0 {
		end++
	}
	if to == from || end == len(text) || text[end] != ',' && text[end] != ')' || text[from] == '.' || text[to-1] == '.' || text[from] >= '0' && text[from] <= '9' {
		return from, 0
	}
	return from, to
}

// recordConstantCall records a call whose first argument is a name.
func recordConstantCall(r *source.File, from, to int, access facts.How) {
	c := facts.Call{Line: r.LineAt(from), How: access, Constant: string(r.Text[from:to])}
	last := c.Constant[strings.LastIndexByte(c.Constant, '.')+1:]
	switch indexes := r.FindConstant(c.Constant); {
	case len(indexes) == 1 && source.TableText.Match(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To]):
		c.Table, c.Constant = string(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To]), ""
	case last[0] < 'A' || last[0] > 'Z':
		return // a variable
	}
	source.RecordNames(&c, r, r.FindCallStart(from), from)
	source.RecordNames(&c, r, to, r.FindCallEnd(to))
	r.Facts.Calls = append(r.Facts.Calls, c)
}

// aliasing are the words before a constant of Java, C# or Kotlin that may get its text from another one.
var aliasing = []string{"static final String ", "final static String ", "const string ", "const val "}

// aliased matches the declaration of such a constant after these words.
var aliased = lazyregexp.New(`^(\w+)\s*=\s*((?:\w+\.)*[A-Z]\w*)\s*(?:;|$)`)

// RecordConstantAliases records the constants that get their text from another one.
func RecordConstantAliases(r *source.File) {
	if r.Language != lexer.JVM && r.Language != lexer.CSharp || len(r.Facts.Constants) == 0 {
		return
	}
	for _, words := range aliasing {
		for offset := 0; len(r.Facts.Constants) < maxConstants; {
			n := bytes.Index(r.Text[offset:], []byte(words))
			if n < 0 {
				break
			}
			offset += n + len(words)
			if m := aliased.FindSubmatch(r.Text[offset : offset+lexer.LineEnd(r.Text[offset:])]); m != nil {
				r.Facts.Constants = append(r.Facts.Constants, facts.ConstantText{Name: string(m[1]), Alias: string(m[2])})
			}
		}
	}
}
