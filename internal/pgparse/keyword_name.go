package pgparse

import (
	"errors"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// parseTree runs the parser and works around statements that it wrongly rejects.
func parseTree(sql string) (*ast.ParseResult, error) {
	tree, err := parser.ParseToTree(sql)
	if err == nil {
		markOlderForm(sql, tree)
		return tree, nil
	}
	if mended := fixDoublePrecision(sql); mended != sql {
		if tree, err := parser.ParseToTree(mended); err == nil {
			return tree, nil
		}
	}
	if tree := parseKeywordNames(sql, err); tree != nil {
		return tree, nil
	}
	if tree := parseNewerForms(sql); tree != nil {
		return tree, nil
	}
	return nil, err
}

// namingWords are key words that the server accepts as names, but the parser does not
// accept everywhere. A test that asks servers 13 and 18 for all such words found them.
var namingWords = lazyregexp.New(`(?i)\b(?:operator|if|exclude|values|recursive)\b`)

// maxNames limits how many words of a statement are tried as names.
const maxNames = 40

// parseKeywordNames parses a text in which such words are names, as in ALTER TABLE t ADD COLUMN if int. It replaces each word at which
// the parser fails by another name of the same length, so that all locations stay valid,
// and restores the word in the tree. It returns nil if that does not help.
func parseKeywordNames(sql string, err error) *ast.ParseResult {
	if !namingWords.MatchString(sql) {
		return nil
	}
	words := findUnquotedWords(sql)
	text, names := []byte(sql), map[string]string{}
	for range maxNames {
		errorPos := errorOffset(string(text), err)
		n := -1
		for i, w := range words {
			if w[0] < errorPos {
				n = i
			}
		}
		if n < 0 {
			return nil
		}
		w := words[n]
		words = append(words[:n:n], words[n+1:]...)
		word := strings.ToLower(sql[w[0]:w[1]])
		other := unusedName(sql, word)
		if other == "" {
			return nil
		}
		names[other] = word
		copy(text[w[0]:], other)
		tree, retryErr := parser.ParseToTree(string(text))
		if retryErr == nil {
			renameInTree(tree.ProtoReflect(), names)
			return tree
		}
		if errorOffset(string(text), retryErr) <= errorPos {
			return nil
		}
		err = retryErr
	}
	return nil
}

// errorOffset returns the offset of the parser's error; the end of the text if the parser
// does not report one.
func errorOffset(sql string, err error) int {
	var pe *parser.Error
	if errors.As(err, &pe) && pe.Cursorpos > 0 {
		return byteOffset(sql, pe.Cursorpos-1)
	}
	return len(sql)
}

// findUnquotedWords returns the places of such words outside quotes and comments.
func findUnquotedWords(sql string) [][2]int {
	var out [][2]int
	for s := (scanner{src: sql, start: -1}); s.pos < len(sql); {
		from := s.pos
		s.scanToken()
		end := from
		for end < s.pos && isWordByte(sql[end]) {
			end++
		}
		if word := sql[from:end]; word != "" && namingWords.FindString(word) == word {
			out = append(out, [2]int{from, end})
		}
	}
	return out
}

// unusedName returns a name, as long as a word, that does not occur in a text; "" if none is
// found.
func unusedName(sql, word string) string {
	lower := strings.ToLower(sql)
	for _, c := range "0123456789_abcdefghijklmnopqrstuvwxyz" {
		if name := word[:len(word)-1] + string(c); name != word && name != "is" && name != "in" && !strings.Contains(lower, name) {
			return name
		}
	}
	return ""
}

// renameInTree replaces names in a tree: keys by their values.
func renameInTree(m protoreflect.Message, names map[string]string) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsList():
			for i := range v.List().Len() {
				if fd.Message() != nil {
					renameInTree(v.List().Get(i).Message(), names)
				} else if name := names[v.List().Get(i).String()]; fd.Kind() == protoreflect.StringKind && name != "" {
					v.List().Set(i, protoreflect.ValueOfString(name))
				}
			}
		case fd.Message() != nil:
			renameInTree(v.Message(), names)
		case fd.Kind() == protoreflect.StringKind:
			if name := names[v.String()]; name != "" {
				m.Set(fd, protoreflect.ValueOfString(name))
			}
		}
		return true
	})
}
