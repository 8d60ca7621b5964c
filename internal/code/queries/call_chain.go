package queries

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

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
