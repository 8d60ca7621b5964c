class Indexes < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def change
    add_index :accounts, :name
    add_index :accounts, [:name, :nick], unique: true, algorithm: :concurrently
    add_index :accounts, :score, order: { score: :desc }, name: "by_score", where: "score > 0", comment: "hot"
    add_index :accounts, [:large, :count], order: { large: "DESC NULLS LAST" }
    add_index :accounts, :b, using: :gin
    add_index :accounts, :bio, opclass: :varchar_pattern_ops, using: "btree", name: "bio_pattern"
    add_index :accounts, "lower(name), nick", name: "lower_name"
    add_index :accounts, :rate, if_not_exists: true
    add_index :accounts, "upper(name)"
    rename_index :accounts, "by_score", "index_by_score"
    remove_index :accounts, :name
    remove_index :accounts, column: [:large, :count]
    remove_index :accounts, name: "index_by_score", algorithm: :concurrently
    remove_index :accounts, :bio
    remove_index :accounts, name: "missing", if_exists: true
    remove_index :posts, :path, name: "hashed"
    rename_column :accounts, :nick, :alias
  end
end
