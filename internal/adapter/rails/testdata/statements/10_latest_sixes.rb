class LatestSixes < ActiveRecord::Migration[6.0]
  def change
    create_table :sixes do |t|
      t.references :thing, polymorphic: true
      t.timestamps
    end
    add_reference :sixes, :owner, polymorphic: true
  end
end
