class MiddleTables < ActiveRecord::Migration[5.2]
  def change
    create_table :middle do |t|
      t.references :thing, polymorphic: true
      t.timestamps
    end
    add_timestamps :oldest_more, null: true if table_exists?(:oldest_more)
    change_table :middle, bulk: true do |t|
      t.references :account, foreign_key: true
      t.string :name
    end
    change_column :middle, :name, :integer, using: "name::integer", null: false, default: 2
    rename_table :middle, :center
  end
end
