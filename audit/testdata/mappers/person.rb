class Person < ActiveRecord::Base
  self.ignored_columns += %w[gone]
  has_many :children, class_name: "Person", foreign_key: :parent_id
  belongs_to :parent, class_name: "Person", optional: true
  validates :nick, presence: true
end
