// Package gittree gives gitrange's trees to the adapters.
package gittree

import (
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
)

// Of makes an [adapter.Tree] of a tree. Files that gitrange could list but not
// read are among its paths: reading them tells why.
func Of(t gitrange.Tree) adapter.Tree {
	files := t.Files()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	return &tree{Tree: t, paths: paths, memo: map[string]*memory{}}
}

type tree struct {
	gitrange.Tree
	paths []string

	mu   sync.Mutex
	memo map[string]*memory
}

// memory is what was made once.
type memory struct {
	once sync.Once
	made any
}

func (t *tree) Paths() []string { return t.paths }

// Memo makes what has that key, once.
func (t *tree) Memo(key string, make func() any) any {
	t.mu.Lock()
	m := t.memo[key]
	if m == nil {
		m = &memory{}
		t.memo[key] = m
	}
	t.mu.Unlock()
	m.once.Do(func() { m.made = make() }) // it may ask for other keys
	return m.made
}
