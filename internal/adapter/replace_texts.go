package adapter

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ReplaceTexts returns a tree in whose files some texts are replaced, as a program does before it sends them. Lines keep their
// numbers. A file that would become too large to be read stays unchanged.
func ReplaceTexts(t Tree, values map[string]string) Tree {
	if len(values) == 0 {
		return t
	}
	// Of two texts at one place, the longer counts.
	texts := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(texts))
	for _, text := range texts {
		pairs = append(pairs, text, values[text])
	}
	return replacedTree{t, texts, values, strings.NewReplacer(pairs...)}
}

type replacedTree struct {
	Tree
	texts    []string
	values   map[string]string
	replacer *strings.Replacer
}

func (t replacedTree) Read(path string) ([]byte, error) {
	content, err := t.Tree.Read(path)
	if err != nil || len(content) > pgparse.MaxSize {
		return content, err
	}
	text := string(content)
	size := len(text)
	for _, old := range t.texts {
		if growth := len(t.values[old]) - len(old); growth > 0 {
			size += growth * strings.Count(text, old)
		}
	}
	if size > pgparse.MaxSize {
		return content, nil
	}
	return []byte(t.replacer.Replace(text)), nil
}
