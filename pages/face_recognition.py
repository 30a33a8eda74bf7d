from pages._ui.page import page

page("face_recognition")
