from pages._ui.page import page

page("cnns")
