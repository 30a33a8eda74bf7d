from pages._ui.page import page

page("sequence_models")
