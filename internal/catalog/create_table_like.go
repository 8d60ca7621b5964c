package catalog

import (
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// likeSpec is a LIKE clause of CREATE TABLE whose constraints and indexes are not
// copied yet.
type likeSpec struct {
	source  OID
	options uint32
}

// The options of LIKE, bits of TableLikeClause.Options.
const (
	likeComments = 1 << iota
	likeCompression
	likeConstraints
	likeDefaults
	likeGenerated
	likeIdentity
	likeIndexes
	likeStatistics
	likeStorage
)

// copyLikeColumns copies the columns of LIKE.
func (f *fold) copyLikeColumns(t *Relation, l *pgparse.TableLikeClause, p *pending) {
	src := f.requireRelation(l.GetRelation(), Table, false)
	if src == nil {
		return
	}
	hasOption := func(bit uint32) bool { return l.GetOptions()&bit != 0 }
	t.Partial = t.Partial || src.Inferred || src.Partial
	for _, c := range src.Columns {
		if t.Column(c.Name) != nil {
			f.addProblem(true, pgerror.ColumnTwice, c.Name)
			return
		}
		next := Column{Name: c.Name, Type: c.Type, NotNull: c.NotNull, Local: true, Inferred: c.Inferred, RareColumn: &plainColumn}
		if c.Collation != "" {
			next.copyRare().Collation = c.Collation
		}
		if hasOption(likeDefaults) && c.Generated == "" {
			// The numbers still come from the sequence of the source.
			next.Default, next.DefaultText, next.Takes = c.Default, c.DefaultText, c.Takes
		}
		if hasOption(likeGenerated) && c.Generated != "" {
			rare := next.copyRare()
			rare.Generated, rare.GeneratedExpr, next.DefaultText = c.Generated, c.GeneratedExpr, c.DefaultText
		}
		if hasOption(likeIdentity) && c.Identity != "" {
			next.copyRare().Identity = c.Identity
			// The copy's sequence is a bigint one, whatever the column is.
			p.sequences = append(p.sequences, sequenceSpec{column: c.Name, kind: "int8", identity: true})
		}
		if hasOption(likeStorage) {
			next.copyRare().Storage = c.Storage
		}
		if hasOption(likeCompression) {
			next.copyRare().Compression = c.Compression
		}
		if hasOption(likeComments) {
			next.Comment = c.Comment
		}
		f.attachColumn(t, &next)
	}
	p.cloneLikes = append(p.cloneLikes, likeSpec{source: src.OID, options: l.GetOptions()})
}

func (f *fold) copyLikeConstraints(t *Relation, l likeSpec) {
	src := f.Relation(l.source)
	if src == nil {
		return
	}
	for _, c := range src.Constraints {
		if c.Kind == NotNullConstraint || c.Kind == Check && l.options&likeConstraints != 0 {
			if hasConstraint(t.Constraints, c.Name) {
				f.addProblem(f.isHistoryComplete(), pgerror.ConstraintExists, c.Name, t.Name.Name)
				return
			}
			next := *c
			next.Parent = false
			next.Columns = mapAttnums(src, t, c.Columns)
			f.attachConstraint(t, &next)
		}
	}
}

func (f *fold) copyLikeIndexes(t *Relation, l likeSpec) {
	src := f.Relation(l.source)
	if src == nil {
		return
	}
	if l.options&likeIndexes != 0 {
		for _, oid := range src.Indexes {
			idx := f.Relation(oid)
			if idx == nil || idx.Index.Primary && f.primaryKey(t) != nil {
				continue
			}
			f.cloneIndex(src, t, idx)
		}
	}
	if l.options&likeStatistics != 0 {
		for _, name := range src.Statistics {
			f.cloneStatistics(src, t, name)
		}
	}
}
