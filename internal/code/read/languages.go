package read

import (
	"bytes"
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/code/dotnet"
	"github.com/onward-sql/onward/internal/code/elixir"
	"github.com/onward-sql/onward/internal/code/golang"
	"github.com/onward-sql/onward/internal/code/graphql"
	"github.com/onward-sql/onward/internal/code/hasura"
	"github.com/onward-sql/onward/internal/code/javascript"
	"github.com/onward-sql/onward/internal/code/jvm"
	"github.com/onward-sql/onward/internal/code/php"
	"github.com/onward-sql/onward/internal/code/prisma"
	"github.com/onward-sql/onward/internal/code/python"
	"github.com/onward-sql/onward/internal/code/ruby"
	"github.com/onward-sql/onward/internal/code/rust"
	"github.com/onward-sql/onward/internal/code/source"
)

// languages are the readers of each language.
var languages = [][]source.Reader{
	golang.Readers,
	python.Readers,
	javascript.Readers,
	prisma.Readers,
	hasura.Readers,
	graphql.Readers,
	ruby.Readers,
	elixir.Readers,
	jvm.Readers,
	dotnet.Readers,
	rust.Readers,
	php.Readers,
}

// readDeclarations reads what the file declares to its mapper, and its classes of constants.
func readDeclarations(r *source.File) {
	ext := path.Ext(r.Path)
	hasSign := func(sign string) bool { return bytes.Contains(r.Text, []byte(sign)) }
	for _, readers := range languages {
		for _, x := range readers {
			if slices.Contains(x.Endings, ext) && (x.Signs == nil || slices.ContainsFunc(x.Signs, hasSign)) {
				x.Read(r)
			}
		}
	}
}
