package jvm

import "github.com/onward-sql/onward/internal/code/source"

// endings are the extensions of the languages.
var endings = []string{".java", ".kt", ".scala", ".groovy"}

// Readers are the readers of the language's files.
var Readers = []source.Reader{
	{Endings: endings, Signs: []string{"@Entity", "@Table", "@MappedEntity", "@MappedSuperclass", "Table("}, Read: readJVMModels},
	{Endings: endings, Signs: []string{"SequenceGenerator", "GeneratedValue", "@GenericGenerator"}, Read: readSequences},
	{Endings: []string{".xml"}, Signs: []string{"<hibernate-mapping"}, Read: readHibernateModels},
	{Endings: []string{".java", ".kt", ".scala"}, Signs: []string{"enum "}, Read: source.ReadBlockEnums},
}
