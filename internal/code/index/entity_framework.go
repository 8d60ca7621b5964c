package index

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
)

// entityPlace is a class of C# in a file.
type entityPlace struct {
	file  int
	model *facts.Model
}

// relocateSnapshotEntities gives the entities of snapshots the places of their classes, and drops other declarations of them. It skips
// a class whose name two namespaces have.
func (x *Index) relocateSnapshotEntities() {
	classes := map[string][]entityPlace{}
	var snapshots, nonSnapshots []entityPlace
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || path.Ext(x.files[i].Path) != ".cs" {
			continue
		}
		for k := range f.Models {
			p := entityPlace{i, &f.Models[k]}
			switch {
			case strings.HasSuffix(x.files[i].Path, facts.ModelSnapshot):
				snapshots = append(snapshots, p)
			case p.model.Base || p.model.Scope != "":
				classes[p.model.Class] = append(classes[p.model.Class], p)
			default:
				nonSnapshots = append(nonSnapshots, p)
			}
		}
	}
	if len(snapshots)+len(nonSnapshots) == 0 {
		return
	}
	added, removedModels := map[int][]facts.Model{}, map[*facts.Model]bool{}
	exact := map[string]bool{}
	for _, s := range snapshots {
		exact[s.model.Class] = true
		for _, c := range classes[s.model.Class] {
			if c.model.Scope == s.model.Scope && len(s.model.Fields) > 0 {
				moved, rest := splitEntity(s.model, c.model)
				added[c.file] = append(added[c.file], moved)
				if len(rest.Fields) > 0 {
					added[s.file] = append(added[s.file], rest)
				}
				removedModels[s.model] = true
				break
			}
		}
	}
	for _, o := range nonSnapshots {
		removedModels[o.model] = exact[o.model.Class]
	}
	for name, list := range classes {
		several := slices.ContainsFunc(list, func(p entityPlace) bool { return p.model.Scope != list[0].model.Scope })
		for _, p := range list {
			removedModels[p.model] = removedModels[p.model] || p.model.Base && several || !p.model.Base && exact[name]
		}
	}
	x.replaceModels(added, removedModels)
}

// splitEntity returns the model of an entity at the place of its class, and the rest, whose properties the class does not declare.
func splitEntity(entity, class *facts.Model) (moved, rest facts.Model) {
	moved, rest = *entity, *entity
	moved.Line, moved.Fields, rest.Fields = class.Line, nil, nil
	for _, f := range entity.Fields {
		if i := slices.IndexFunc(class.Fields, func(g facts.Field) bool { return g.Field == f.Field }); i >= 0 {
			f.Line = class.Fields[i].Line
			moved.Fields = append(moved.Fields, f)
		} else {
			rest.Fields = append(rest.Fields, f)
		}
	}
	return moved, rest
}

// replaceModels adds models to files, and removes some.
func (x *Index) replaceModels(added map[int][]facts.Model, removedModels map[*facts.Model]bool) {
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || len(f.Models) == 0 || path.Ext(x.files[i].Path) != ".cs" {
			continue
		}
		out := *f
		out.Models = nil
		for k := range f.Models {
			if !removedModels[&f.Models[k]] {
				out.Models = append(out.Models, f.Models[k])
			}
		}
		out.Models = append(out.Models, added[i]...)
		x.files[i].Facts = &out
	}
}
